// Moment: now, by the pool's clock, and by the calendar, which goes on over a reboot.
#ifndef LEASTWISE_NGINX_MODULE_STATE_MOMENT_H_
#define LEASTWISE_NGINX_MODULE_STATE_MOMENT_H_

#include <ctime>

#include <cstdint>

#include "leastwise/clock.h"

namespace leastwise::nginx {

struct Moment {
  TimePoint now;
  std::int64_t unix_us = 0;
};

inline std::int64_t microseconds_of(clockid_t clock) noexcept {
  timespec t{};
  clock_gettime(clock, &t);
  return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

inline Moment this_moment() noexcept {
  return {TimePoint(Duration(microseconds_of(CLOCK_MONOTONIC))), microseconds_of(CLOCK_REALTIME)};
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STATE_MOMENT_H_
