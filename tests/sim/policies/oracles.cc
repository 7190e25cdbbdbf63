#include <algorithm>
#include <vector>

#include "policies/baselines.h"
#include "policies/scan.h"

namespace leastwise::sim {
namespace {

constexpr double kNever = 1e9;

double share_of_a_core(const Server& server) {
  return std::max(1.0, (server.load() + 1.0) / server.cores());
}

class ShortestQueue final : public Scan {
 public:
  using Scan::Scan;

 private:
  double cost(std::uint32_t number, const Job&) override {
    const Server& server = world().servers[number];
    if (server.sinkhole() > 0) return kNever;
    return share_of_a_core(server) / server.speed(world().now) + 1e-3 * (server.load() + 1.0);
  }
};

class LeastWork final : public Scan {
 public:
  using Scan::Scan;

 private:
  double cost(std::uint32_t number, const Job& job) override {
    const Server& server = world().servers[number];
    if (server.sinkhole() > 0) return kNever;
    const double speed = server.speed(world().now);
    if (world().scenario.discipline == Discipline::kSharing) {
      return server.rtt() + job.size * share_of_a_core(server) / speed;
    }
    return server.rtt() + (wait(server) + job.size) / speed;
  }

  // Work until a core is free for a request that comes now.
  double wait(const Server& server) const {
    if (server.running().size() < server.cores()) return 0;
    std::vector<double> left;
    for (const Server::Running& r : server.running()) {
      left.push_back(r.done_at - server.virtual_time(world().now));
    }
    for (const JobId id : server.queue()) {
      *std::min_element(left.begin(), left.end()) += (*world().jobs)[id].size;
    }
    return *std::min_element(left.begin(), left.end());
  }
};

}  // namespace

std::unique_ptr<Balancer> make_oracle_jsq(const World& world, std::uint64_t seed) {
  return std::make_unique<ShortestQueue>(world, seed);
}

std::unique_ptr<Balancer> make_oracle_lwl(const World& world, std::uint64_t seed) {
  return std::make_unique<LeastWork>(world, seed);
}

}  // namespace leastwise::sim
