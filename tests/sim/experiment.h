// Experiment: scenarios × policies × seeds, and what comes out.
#ifndef LEASTWISE_TESTS_SIM_EXPERIMENT_H_
#define LEASTWISE_TESTS_SIM_EXPERIMENT_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/scenario.h"
#include "policies/policy_list.h"

namespace leastwise::sim {

// Figures of one policy in one scenario, the mean over its seeds. Milliseconds.
struct Figures {
  double mean = 0, p50 = 0, p99 = 0, p999 = 0;
  double error_share = 0;
  std::uint64_t requests = 0;
  double remote_share = 0;  // of the picks: went to a server outside the locality
  // Of the picks in windows of ten seconds: the least and the most that a server got, as a multiple
  // of an equal share. The worst of all seeds, not their mean.
  double least_share = 1, most_share = 1;
  // Result::start_peak and return_peak, of the worst seed.
  double start_peak = 0, return_peak = 0;
};

Figures figures_of(const Scenario& scenario, const Result& result);
Figures average(std::span<const Figures> of);

struct Row {
  std::string scenario;
  std::string policy;
  std::vector<std::uint64_t> seeds;
  std::vector<Figures> by_seed;
  std::vector<Latencies> routes;  // of the last seed
  std::vector<std::uint64_t> picks;
  Figures figures;  // the average
};

// One policy on one scenario; seeds first, first + 1, …
Row measure(const Scenario& scenario, const NamedPolicy& policy, std::uint64_t first_seed,
            std::uint32_t seeds);

// The averages divided by those of `reference`.
struct Ratios {
  double mean = 1, p99 = 1, p999 = 1;
};
Ratios ratios(const Row& row, const Row& reference);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_EXPERIMENT_H_
