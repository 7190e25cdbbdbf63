// The control port: what a request there means. /stats, /set, /reset, /quit.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_CONTROL_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_CONTROL_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "bench/backends/config.h"

namespace leastwise::bench {

class Controllable {
 public:
  virtual ~Controllable() = default;
  virtual nlohmann::json stats() = 0;
  // Throws UsageError and changes nothing if a server or a value is refused.
  virtual void set(std::string_view selection, const Changes& changes) = 0;
  virtual void reset_counters() = 0;
  // Counters to zero, servers as configured, the schedule from its beginning.
  virtual void restart() = 0;
  virtual void quit() = 0;
};

struct ControlAnswer {
  int status = 200;
  std::string body;
};

ControlAnswer handle_control(Controllable& controlled, std::string_view target);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_CONTROL_H_
