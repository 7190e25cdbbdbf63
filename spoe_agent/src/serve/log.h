// The agent's log: one line per event to standard error, as systemd wants it.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_LOG_H_
#define LEASTWISE_SPOE_AGENT_SERVE_LOG_H_

#include <initializer_list>
#include <string_view>

#include "config/log_level.h"
#include "leastwise/clock.h"

namespace leastwise::agent {

void set_log_level(LogLevel level);

// The parts are written one after the other. Thread safe. Never on the path of a request.
void log(LogLevel level, std::initializer_list<std::string_view> parts) noexcept;

// Lets one event per period through, so that a fault that lasts does not flood the log.
// Not thread safe.
class Throttle {
 public:
  explicit Throttle(Duration period) noexcept : period_(period) {}
  bool allows(TimePoint now) noexcept {
    if (now < next_) return false;
    next_ = now + period_;
    return true;
  }

 private:
  Duration period_;
  TimePoint next_{};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_LOG_H_
