// Scan: a policy that gives each server a cost and takes the cheapest. Equals are drawn
// at random. Counts what it has in flight.
//
// These are for comparison only: written for the simulator after the rules of others,
// with none of their speed, and with none of the core's code.
#ifndef LEASTWISE_TESTS_SIM_POLICIES_SCAN_H_
#define LEASTWISE_TESTS_SIM_POLICIES_SCAN_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "engine/balancer.h"
#include "engine/random.h"

namespace leastwise::sim {

class Scan : public Balancer {
 public:
  // `choices`: random servers to look at; 0 = all.
  Scan(const World& world, std::uint64_t seed, std::uint32_t choices = 0)
      : world_(world), choices_(choices), random_(seed), in_flight_(world.scenario.servers, 0) {}

  std::optional<std::uint32_t> pick(const Job& job) final {
    prepare();
    const std::uint32_t server =
        choices_ == 0 || choices_ >= world_.up.size() ? best_of_all(job) : best_of_few(job);
    sent(server);
    ++in_flight_[server];
    return server;
  }
  void finish(const Job& job, const Answer& answer) final {
    --in_flight_[job.server];
    learn(job, answer);
  }

 protected:
  virtual void prepare() {}
  virtual double cost(std::uint32_t server, const Job& job) = 0;
  virtual void sent(std::uint32_t) {}
  virtual void learn(const Job&, const Answer&) {}

  const World& world() const { return world_; }
  std::uint32_t in_flight(std::uint32_t server) const { return in_flight_[server]; }

 private:
  std::uint32_t best_of_all(const Job& job) {
    const auto size = static_cast<std::uint32_t>(world_.up.size());
    const std::uint32_t offset = random_.below(size);
    double least = std::numeric_limits<double>::max();
    std::uint32_t best = world_.up[0];
    std::uint32_t equals = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
      const std::uint32_t server = world_.up[(i + offset) % size];
      const double c = cost(server, job);
      if (c < least) {
        least = c;
        best = server;
        equals = 1;
      } else if (c == least && random_.below(++equals) == 0) {
        best = server;
      }
    }
    return best;
  }

  std::uint32_t best_of_few(const Job& job) {
    std::vector<std::uint32_t> seen;
    double least = std::numeric_limits<double>::max();
    std::uint32_t best = world_.up[0];
    while (seen.size() < choices_) {
      const std::uint32_t i = random_.below(static_cast<std::uint32_t>(world_.up.size()));
      if (std::find(seen.begin(), seen.end(), i) != seen.end()) continue;
      seen.push_back(i);
      const double c = cost(world_.up[i], job);
      if (c >= least) continue;
      least = c;
      best = world_.up[i];
    }
    return best;
  }

  const World& world_;
  std::uint32_t choices_;
  Random random_;
  std::vector<std::uint32_t> in_flight_;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_POLICIES_SCAN_H_
