// Log level: which lines the agent writes; `log_level` of its configuration.
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_LOG_LEVEL_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_LOG_LEVEL_H_

#include <cstdint>

namespace leastwise::agent {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_LOG_LEVEL_H_
