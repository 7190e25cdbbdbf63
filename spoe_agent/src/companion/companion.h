// The companion's process: one thread, which waits for all of its sockets at once.
#ifndef LEASTWISE_SPOE_AGENT_COMPANION_COMPANION_H_
#define LEASTWISE_SPOE_AGENT_COMPANION_COMPANION_H_

#include "companion/file.h"

namespace leastwise::companion {

// Until SIGTERM or SIGINT. Throws std::runtime_error when it can not start.
int run_companion(const CompanionConfig& config);

}  // namespace leastwise::companion

#endif  // LEASTWISE_SPOE_AGENT_COMPANION_COMPANION_H_
