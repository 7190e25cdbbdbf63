#include <algorithm>
#include <cmath>

#include "policies/baselines.h"
#include "policies/scan.h"

namespace leastwise::sim {
namespace {

constexpr double kStep = 0.05;         // of the average, per answer
constexpr std::int64_t kCluster = 20;  // ms: averages are rounded up to the next
constexpr std::int64_t kMost = 5000;   // ms
constexpr double kFailTimeout = 10;    // s without a pick: the average halves

class NginxLeastTime final : public Scan {
 public:
  NginxLeastTime(const World& world, std::uint64_t seed)
      : Scan(world, seed),
        average_(world.scenario.servers, 0),
        checked_(world.scenario.servers, 0) {}

 private:
  double idle_seconds(std::uint32_t server) const {
    return std::floor(world().now / 1000) - std::floor(checked_[server] / 1000);
  }

  double cost(std::uint32_t server, const Job&) override {
    std::int64_t time = average_[server];
    if (const double idle = idle_seconds(server); idle > kFailTimeout) {
      time >>= std::min(static_cast<int>(idle / (kFailTimeout + 1)), 60);
    }
    time = time > kMost ? kMost : time + kCluster - time % kCluster;
    return static_cast<double>(time) * (1.0 + in_flight(server));
  }

  void sent(std::uint32_t server) override {
    if (idle_seconds(server) > kFailTimeout) checked_[server] = world().now;
  }

  // A 500 counts as an answer, a failure to answer does not.
  void learn(const Job& job, const Answer& answer) override {
    if (answer.ending == Ending::kTimeout || answer.ending == Ending::kNoServer) return;
    const auto ms = static_cast<std::int64_t>(answer.latency_ms);
    std::int64_t& average = average_[job.server];
    if (average == 0) {
      average = ms;
      return;
    }
    average = static_cast<std::int64_t>(0.5 + static_cast<double>(ms) * kStep +
                                        static_cast<double>(average) * (1 - kStep));
  }

  std::vector<std::int64_t> average_;  // ms
  std::vector<double> checked_;        // ms
};

}  // namespace

std::unique_ptr<Balancer> make_nginx_least_time(const World& world, std::uint64_t seed) {
  return std::make_unique<NginxLeastTime>(world, seed);
}

}  // namespace leastwise::sim
