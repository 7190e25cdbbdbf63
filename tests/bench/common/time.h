// Points and spans of time, as both tools use them: monotonic, nanoseconds.
//
// Only event loops ask for the time; everything below them gets it as an argument, so that tests
// move it by hand. Spans given as double must stay below 292 years, which every caller checks.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_TIME_H_
#define LEASTWISE_TESTS_BENCH_COMMON_TIME_H_

#include <chrono>

namespace leastwise::bench {

using Duration = std::chrono::nanoseconds;
using Time = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline Time now() noexcept { return std::chrono::steady_clock::now(); }

constexpr Duration from_seconds(double seconds) noexcept {
  return std::chrono::round<Duration>(std::chrono::duration<double>(seconds));
}
constexpr Duration from_ms(double ms) noexcept { return from_seconds(ms * 1e-3); }

constexpr double to_seconds(Duration span) noexcept {
  return static_cast<double>(span.count()) * 1e-9;
}
constexpr double to_ms(Duration span) noexcept { return to_seconds(span) * 1e3; }

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_TIME_H_
