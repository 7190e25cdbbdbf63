// A table whose entries are named by handles that go stale when the entry is released.
//
// Timers and epoll events outlive the connection they were meant for; a handle carries the
// generation of its slot, so that a late one finds nothing instead of the slot's next owner.
// References stay valid until release. Handles have generation >= 1: generation 0 is free for
// the caller's own marks. O(1) each; never gives memory back. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_SLOT_TABLE_H_
#define LEASTWISE_TESTS_BENCH_COMMON_SLOT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace leastwise::bench {

struct Handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  std::uint64_t packed() const noexcept { return std::uint64_t{generation} << 32 | index; }
  static Handle unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
  }
  friend bool operator==(Handle, Handle) = default;
};

template <class T>
class SlotTable {
 public:
  template <class... Args>
  Handle acquire(Args&&... args) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    slots_[index].value.emplace(std::forward<Args>(args)...);
    return {index, slots_[index].generation};
  }

  T* find(Handle handle) noexcept {
    if (handle.index >= slots_.size()) return nullptr;
    Slot& slot = slots_[handle.index];
    return slot.generation == handle.generation && slot.value ? &*slot.value : nullptr;
  }

  // REQUIRES: find(handle) != nullptr.
  T& at(Handle handle) noexcept { return *slots_[handle.index].value; }

  void release(Handle handle) {
    if (find(handle) == nullptr) return;
    Slot& slot = slots_[handle.index];
    slot.value.reset();
    if (++slot.generation == 0) slot.generation = 1;
    free_.push_back(handle.index);
  }

  std::size_t size() const noexcept { return slots_.size() - free_.size(); }

  // `visit(Handle, T&)` may release the entry it is shown.
  template <class Visitor>
  void for_each(Visitor visit) {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].value) visit(Handle{i, slots_[i].generation}, *slots_[i].value);
    }
  }

 private:
  struct Slot {
    std::uint32_t generation = 1;
    std::optional<T> value;
  };

  std::deque<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_SLOT_TABLE_H_
