// Time in the core.
//
// The core never reads a clock: every function that depends on time takes it as
// an argument, so that a test can move time by hand and a simulation can play
// days in seconds.
#ifndef LEASTWISE_CLOCK_H_
#define LEASTWISE_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace leastwise {

// A monotonic clock without now(). The origin is arbitrary but the same for all
// processes that share a Pool (CLOCK_MONOTONIC of one host).
struct Clock {
  using rep = std::int64_t;
  using period = std::micro;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

using Duration = Clock::duration;  // microseconds, signed
using TimePoint = Clock::time_point;

// Inside the core, estimates are seconds in single precision.
constexpr float seconds(Duration d) noexcept { return static_cast<float>(d.count()) * 1e-6F; }

// Milliseconds since the clock's origin: the resolution of packed time stamps.
constexpr std::int64_t milliseconds(TimePoint t) noexcept {
  return t.time_since_epoch().count() / 1000;
}

}  // namespace leastwise

#endif  // LEASTWISE_CLOCK_H_
