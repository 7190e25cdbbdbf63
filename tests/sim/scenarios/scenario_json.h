// Scenario as JSON: {"servers": 8, "cores": [4, 2], "load": 0.6, "routes": [{"share": 1,
// "mean_ms": 12, "size": "lognormal", "shape": 0.5}]}. Members are those of Scenario; what
// is left out keeps its default; what is unknown, or can not be simulated, is an error.
#ifndef LEASTWISE_TESTS_SIM_SCENARIOS_SCENARIO_JSON_H_
#define LEASTWISE_TESTS_SIM_SCENARIOS_SCENARIO_JSON_H_

#include <string>
#include <string_view>

#include "engine/scenario.h"

namespace leastwise::sim {

// Throw std::invalid_argument, which says what was wrong and what is accepted.
Scenario scenario_from_json(std::string_view text);
Scenario scenario_from_file(const std::string& path);
// What can not be simulated: no servers, shares that are negative, …
void validate(const Scenario& scenario);

std::string to_json(const Scenario& scenario);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_SCENARIOS_SCENARIO_JSON_H_
