// Access log: traffic that was, to be played again through any policy.
#ifndef LEASTWISE_TESTS_SIM_ACCESS_LOG_H_
#define LEASTWISE_TESTS_SIM_ACCESS_LOG_H_

#include <cstddef>
#include <istream>
#include <string>
#include <vector>

#include "engine/scenario.h"

namespace leastwise::sim {

struct AccessLog {
  std::vector<TraceEntry> entries;  // in order of time, the first at 0
  std::vector<std::string> routes;  // names, by number
  std::size_t skipped = 0;          // lines that are not of the format
};

// Lines of TIME,ROUTE,SERVICE: TIME in seconds (nginx: $msec), ROUTE any text, SERVICE in
// seconds (nginx: $upstream_response_time). Other lines are skipped and counted.
AccessLog read_access_log(std::istream& in);

// A scenario that plays the log `speedup` times as fast. Servers, cores, speeds and
// discipline are those of `base`. Throws std::invalid_argument for an empty log.
Scenario replay_scenario(const AccessLog& log, const Scenario& base, double speedup);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ACCESS_LOG_H_
