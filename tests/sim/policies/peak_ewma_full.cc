#include <cmath>

#include "policies/baselines.h"
#include "policies/scan.h"

namespace leastwise::sim {
namespace {

constexpr double kDecayMs = 10000;
constexpr double kUnknownBusy = 1e14;  // a server not yet known gets one request to begin with

class PeakEwma final : public Scan {
 public:
  PeakEwma(const World& world, std::uint64_t seed)
      : Scan(world, seed), servers_(world.scenario.servers) {}

 private:
  struct Estimate {
    double cost = 0;
    double at = 0;
  };

  double cost(std::uint32_t server, const Job&) override {
    const Estimate& e = servers_[server];
    const double now = e.cost * std::exp(-(world().now - e.at) / kDecayMs);
    const std::uint32_t n = in_flight(server);
    if (now == 0 && n > 0) return kUnknownBusy + n;
    return now * (n + 1.0);
  }

  void learn(const Job& job, const Answer& answer) override {
    Estimate& e = servers_[job.server];
    const double left = std::exp(-(world().now - e.at) / kDecayMs);
    e.cost = answer.latency_ms > e.cost ? answer.latency_ms
                                        : e.cost * left + answer.latency_ms * (1 - left);
    e.at = world().now;
  }

  std::vector<Estimate> servers_;
};

}  // namespace

std::unique_ptr<Balancer> make_peak_ewma_full(const World& world, std::uint64_t seed) {
  return std::make_unique<PeakEwma>(world, seed);
}

}  // namespace leastwise::sim
