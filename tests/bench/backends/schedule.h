// When which configured event is due. Times are relative to a start that can be set again.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_SCHEDULE_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_SCHEDULE_H_

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "bench/backends/config.h"
#include "bench/common/time.h"

namespace leastwise::bench {

class Schedule {
 public:
  // REQUIRES: `events` are ordered by time.
  Schedule(std::vector<Event> events, Time start) : events_(std::move(events)), start_(start) {}

  void restart(Time start) noexcept {
    start_ = start;
    next_ = 0;
  }

  Time start() const noexcept { return start_; }

  std::optional<Time> next_due() const {
    if (next_ == events_.size()) return std::nullopt;
    return start_ + events_[next_].at;
  }

  // The earliest event that is due at `now`, once; null if there is none.
  const Event* take(Time now) {
    const auto due = next_due();
    return due && *due <= now ? &events_[next_++] : nullptr;
  }

 private:
  std::vector<Event> events_;
  Time start_;
  std::size_t next_ = 0;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_SCHEDULE_H_
