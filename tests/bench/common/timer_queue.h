// What is due when: a heap of (time, item), earliest first, equal times in the order of arming.
//
// Items can not be taken back: cancelled ones are recognised by their stale handle when due.
// O(log n) per arm and take. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_TIMER_QUEUE_H_
#define LEASTWISE_TESTS_BENCH_COMMON_TIMER_QUEUE_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "bench/common/time.h"

namespace leastwise::bench {

template <class T>
class TimerQueue {
 public:
  void arm(Time due, T item) {
    heap_.push_back({due, turn_++, std::move(item)});
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }

  std::optional<Time> next_due() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().due;
  }

  // The earliest item that is due at `now`, if any.
  std::optional<T> take(Time now) {
    if (heap_.empty() || heap_.front().due > now) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), is_later);
    std::optional<T> item(std::move(heap_.back().item));
    heap_.pop_back();
    return item;
  }

 private:
  struct Entry {
    Time due;
    std::uint64_t turn;
    T item;
  };

  static bool is_later(const Entry& a, const Entry& b) noexcept {
    return a.due != b.due ? a.due > b.due : a.turn > b.turn;
  }

  std::vector<Entry> heap_;
  std::uint64_t turn_ = 0;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_TIMER_QUEUE_H_
