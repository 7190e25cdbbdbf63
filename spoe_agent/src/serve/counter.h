// A number that one thread counts up and any thread may read.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_COUNTER_H_
#define LEASTWISE_SPOE_AGENT_SERVE_COUNTER_H_

#include <atomic>
#include <cstdint>

namespace leastwise::agent {

// One writer, so that counting is a plain load and store instead of a locked instruction.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept { set(get() + n); }
  void set(std::uint64_t n) noexcept {
    // relaxed: a figure for status pages; nothing else is read by it.
    value_.store(n, std::memory_order_relaxed);
  }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_COUNTER_H_
