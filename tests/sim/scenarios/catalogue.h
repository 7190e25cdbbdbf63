// The named scenarios, and random ones by seed.
#ifndef LEASTWISE_TESTS_SIM_SCENARIOS_CATALOGUE_H_
#define LEASTWISE_TESTS_SIM_SCENARIOS_CATALOGUE_H_

#include <cstdint>
#include <vector>

#include "engine/scenario.h"

namespace leastwise::sim {

const std::vector<Scenario>& named_scenarios();

// A scenario drawn from all that the simulator can do, of about `requests` requests.
Scenario random_scenario(std::uint64_t seed, double requests = 12000);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_SCENARIOS_CATALOGUE_H_
