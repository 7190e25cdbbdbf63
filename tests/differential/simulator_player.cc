// The simulator's balancer, with the trace's clock in the place of the engine's.
#include <algorithm>
#include <stdexcept>

#include "engine/balancer.h"
#include "player.h"
#include "policies/policy_list.h"

namespace leastwise::differential {
namespace {

using namespace sim;

constexpr std::int64_t kStartMs = 3 * 3600 * 1000;  // of the core's clock in core_balancer.cc

std::uint32_t place_of(std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<std::uint32_t>(found - names.begin());
  names.push_back(name);
  return static_cast<std::uint32_t>(names.size() - 1);
}

Scenario scenario_of(const std::vector<TraceServer>& servers) {
  Scenario scenario;
  scenario.servers = static_cast<std::uint32_t>(servers.size());
  scenario.rtt_ms = {0};
  scenario.prefixes.groups = 1;
  scenario.weights.clear();
  scenario.remote.clear();
  for (const TraceServer& server : servers) {
    scenario.server_names.push_back(server.name);
    scenario.weights.push_back(server.weight);
    scenario.remote.push_back(server.remote ? 1 : 0);
  }
  return scenario;
}

class SimulatorPlayer final : public Player {
 public:
  SimulatorPlayer(const std::string& policy, const std::vector<TraceServer>& servers)
      : scenario_(scenario_of(servers)), world_{.scenario = scenario_} {
    for (std::uint32_t i = 0; i < scenario_.servers; ++i) {
      world_.servers.emplace_back(scenario_, i, 1.0);
    }
    balancer_ = policy_named(policy).make(world_, 1);
  }

  int pick(std::int64_t ms, const Asked& asked) override {
    world_.now = static_cast<double>(ms - kStartMs);
    Job job{.id = asked.id,
            .route = place_of(scenario_.route_names, asked.path),
            .prefix = place_of(scenario_.prefixes.names, asked.client)};
    const auto server = balancer_->pick(job);
    return server ? static_cast<int>(*server) : -1;
  }

  void done(std::int64_t ms, const Ended& ended) override {
    if (ended.how != "ok" && ended.how != "error") {
      throw std::runtime_error("the simulator has no answer that is " + ended.how);
    }
    world_.now = static_cast<double>(ms - kStartMs);
    balancer_->finish(Job{.id = ended.id},
                      {.ending = ended.how == "ok" ? Ending::kOk : Ending::kError,
                       .latency_ms = static_cast<double>(ended.took_ms),
                       .report = {}});
  }

  void tick(std::int64_t ms) override {
    world_.now = static_cast<double>(ms - kStartMs);
    balancer_->tick();
  }

 private:
  Scenario scenario_;
  World world_;
  std::unique_ptr<Balancer> balancer_;
};

}  // namespace

std::unique_ptr<Player> make_simulator(const std::string& policy,
                                       const std::vector<TraceServer>& servers) {
  return std::make_unique<SimulatorPlayer>(policy, servers);
}

}  // namespace leastwise::differential
