// Cell: one independent word of shared memory.
#ifndef LEASTWISE_SRC_WORDS_CELL_H_
#define LEASTWISE_SRC_WORDS_CELL_H_

#include <atomic>

namespace leastwise {

// A lock-free atomic whose every access is relaxed: for gauges and counters that no
// reader pairs with another word, where a value a little old does no harm. Where order
// matters the code uses std::atomic and says why.
template <typename T>
class Cell {
  static_assert(std::atomic<T>::is_always_lock_free, "shared by processes");

 public:
  T get() const noexcept { return value_.load(std::memory_order_relaxed); }
  void set(T value) noexcept { value_.store(value, std::memory_order_relaxed); }
  T add(T value) noexcept { return value_.fetch_add(value, std::memory_order_relaxed); }
  T take(T value) noexcept { return value_.exchange(value, std::memory_order_relaxed); }
  T take_ordered(T value) noexcept { return value_.exchange(value, std::memory_order_seq_cst); }
  bool replace(T& expected, T desired) noexcept {
    return value_.compare_exchange_weak(expected, desired, std::memory_order_relaxed);
  }

  // Replaces the value v by f(v), by compare-and-swap until nobody came between.
  template <typename F>
  T update(F f) noexcept {
    T old = get();
    T next = f(old);
    while (!replace(old, next)) next = f(old);
    return next;
  }

 private:
  std::atomic<T> value_{};
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_CELL_H_
