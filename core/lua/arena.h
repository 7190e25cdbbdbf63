// Arena: the memory of one Lua state, and no more than that: the cap is the size of the arena.
// Freed blocks wait for others of their size. All of it goes at once, without a walk over what is
// in it. Of one thread.
#ifndef LEASTWISE_LUA_ARENA_H_
#define LEASTWISE_LUA_ARENA_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace leastwise::lua {

class Arena {
 public:
  static constexpr std::size_t kSize = std::size_t{16} << 20;
  // One step of a script can take as long as it takes to fill a block.
  static constexpr std::size_t kLargest = std::size_t{1} << 20;

  Arena() noexcept = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // False when the system gives no memory.
  bool open() noexcept;
  // As if nothing had been allocated; pages go back to the system.
  void clear() noexcept;

  // As lua_Alloc. nullptr when there is no room for it.
  void* reallocate(void* block, std::size_t old_size, std::size_t size) noexcept;

  std::size_t used() const noexcept { return used_; }  // bytes, in blocks
  std::uint64_t allocations() const noexcept { return allocations_; }
  bool has_refused() const noexcept { return has_refused_; }  // since clear()

 private:
  static constexpr std::size_t kClasses = 72;
  struct Free {
    Free* next;
  };
  void* allocate(std::size_t size) noexcept;
  void* from_larger(std::size_t kind) noexcept;

  std::byte* memory_ = nullptr;
  std::size_t end_ = 0;  // of what was ever handed out
  std::size_t used_ = 0;
  std::uint64_t allocations_ = 0;
  bool has_refused_ = false;
  std::array<Free*, kClasses> free_{};
};

}  // namespace leastwise::lua

#endif  // LEASTWISE_LUA_ARENA_H_
