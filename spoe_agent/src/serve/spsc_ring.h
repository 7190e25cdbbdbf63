// SpscRing: hands values from one thread to one other without a lock.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_SPSC_RING_H_
#define LEASTWISE_SPOE_AGENT_SERVE_SPSC_RING_H_

#include <atomic>
#include <cstddef>
#include <memory>

namespace leastwise::agent {

// Bounded, first in first out, wait-free on both sides. push() by one thread, pop() by one other.
// Each side keeps its own copy of the other's position and looks at the shared one only when the
// copy says full or empty, so that a line of memory moves between the cores once per many values.
template <typename T>
class SpscRing {
 public:
  // REQUIRES: `capacity` is a power of two.
  explicit SpscRing(std::size_t capacity)
      : mask_(capacity - 1), slots_(std::make_unique<T[]>(capacity)) {}

  std::size_t capacity() const noexcept { return mask_ + 1; }

  // False, and nothing kept, when it is full.
  bool push(const T& value) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);  // written by us alone
    if (tail - head_seen_ > mask_) {
      // acquire: what the reader did with the slot is over before we write it again.
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ > mask_) return false;
    }
    slots_[tail & mask_] = value;
    // release: the value is whole before it can be seen.
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  bool pop(T& value) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);  // written by us alone
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);  // pairs with push()
      if (head == tail_seen_) return false;
    }
    value = slots_[head & mask_];
    head_.store(head + 1, std::memory_order_release);  // pairs with push()
    return true;
  }

 private:
  static_assert(std::atomic<std::size_t>::is_always_lock_free);
  const std::size_t mask_;
  const std::unique_ptr<T[]> slots_;
  alignas(64) std::atomic<std::size_t> head_{0};
  std::size_t tail_seen_ = 0;  // of the reader
  alignas(64) std::atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;  // of the writer
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_SPSC_RING_H_
