#include <algorithm>

#include "policies/baselines.h"
#include "policies/scan.h"

namespace leastwise::sim {
namespace {

constexpr double kStep = 0.1;

class C3 final : public Scan {
 public:
  C3(const World& world, std::uint64_t seed)
      : Scan(world, seed), servers_(world.scenario.servers) {}

 private:
  struct Estimate {
    double response = 0, queue = 0, service = 0;
  };

  double cost(std::uint32_t server, const Job&) override {
    const Estimate& e = servers_[server];
    const double others = world().scenario.balancers;
    const double queue = 1 + in_flight(server) * others + e.queue;
    return e.response - e.service + queue * queue * queue * e.service;
  }

  void learn(const Job& job, const Answer& answer) override {
    Estimate& e = servers_[job.server];
    e.response += kStep * (answer.latency_ms - e.response);
    if (!answer.report) return;
    const double cores = world().servers[job.server].cores();
    const double waiting = std::max(0.0, answer.report->in_flight - cores) / cores;
    e.queue += kStep * (waiting - e.queue);
    e.service += kStep * (answer.report->service_ms - e.service);
  }

  std::vector<Estimate> servers_;
};

}  // namespace

std::unique_ptr<Balancer> make_c3(const World& world, std::uint64_t seed) {
  return std::make_unique<C3>(world, seed);
}

}  // namespace leastwise::sim
