// Random suite: policies compared over scenarios that are drawn by seed.
#ifndef LEASTWISE_TESTS_SIM_RANDOM_SUITE_H_
#define LEASTWISE_TESTS_SIM_RANDOM_SUITE_H_

#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "experiment.h"

namespace leastwise::sim {

// Ratios to the reference over many scenarios.
struct Summary {
  std::string policy;
  Ratios geometric_mean;
  Ratios worst;
  std::string worst_mean_in, worst_p99_in;  // which scenarios
  double error_share = 0;
};

struct RandomSuite {
  std::uint32_t scenarios = 96;
  std::uint64_t first_seed = 1;
  std::uint32_t seeds = 1;  // of the traffic and the servers of each
  double requests = 12000;  // of each seed, about
  // So many independent balancers, in turn; empty: as it is drawn.
  std::vector<std::uint32_t> balancers{};
  double share_late_ms = 0;  // Scenario's
  std::uint32_t liars = 0;
};

// Rows of each policy and of the reference, scenario by scenario. `progress` gets a dot for
// each scenario.
std::vector<Row> measure_random(std::span<const std::string> policies, const RandomSuite& suite,
                                std::ostream& progress, std::string_view reference = kReference);

std::vector<Summary> summarise(std::span<const Row> rows, std::string_view reference = kReference);
void write_summaries(std::span<const Summary> summaries, std::ostream& out);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_RANDOM_SUITE_H_
