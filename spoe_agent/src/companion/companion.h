// The companion's process: one thread, which waits for all of its sockets at once, and one for its
// own figures.
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_COMPANION_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_COMPANION_H_

#include <string>

#include "companion/file.h"

namespace leastwise::companion {

// Until SIGTERM or SIGINT; SIGHUP reads the file again. Throws std::runtime_error when it can not
// start.
int run_companion(const std::string& path, const CompanionConfig& config);

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_COMPANION_H_
