// State: a Lua state with one script in it, in an arena of its own. Calls are protected: an error
// comes back as text, and no jump of Lua's leaves the frames of LuaJIT. Of one thread.
#ifndef LEASTWISE_LUA_STATE_H_
#define LEASTWISE_LUA_STATE_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "lua/arena.h"
#include "lua/binding.h"

struct lua_State;

namespace leastwise::lua {

// What is called of a script; score() and pick() are one.
enum class Call : std::uint8_t { kChoose, kTick, kRoute, kKey };
inline constexpr std::size_t kCalls = 4;

class State {
 public:
  using Nanoseconds = std::chrono::nanoseconds;
  static constexpr Nanoseconds kFirstBudget = std::chrono::seconds(1);

  explicit State(leastwise_view& view) noexcept : view_(view) {}
  ~State() { drop(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Makes the state anew and runs the script's own lines. False, with what is wrong, beginning with
  // FILE:LINE where a line is at fault.
  bool start(std::string_view checked_source, const std::string& file, std::string& error,
             Nanoseconds budget = kFirstBudget);

  bool has(Call call) const noexcept { return has_[static_cast<std::size_t>(call)]; }
  bool picks() const noexcept { return picks_; }

  // Runs it for so long at most. On failure error() says why.
  bool call(Call call, Nanoseconds budget) noexcept;
  // As call(), of one that gives a text; nothing: nil. The view lives until the next call.
  bool call(Call call, Nanoseconds budget, std::string_view& out) noexcept;

  std::string_view error() const noexcept { return {error_, error_size_}; }
  // The last call went beyond its budget.
  bool was_late() const noexcept { return last_deadline_ != Nanoseconds::zero(); }
  bool is_spoilt() const noexcept { return arena_.has_refused(); }  // memory was not enough
  const Arena& arena() const noexcept { return arena_; }

  void seed(std::uint32_t value) noexcept;
  std::string manual();

  // For binding.h: whether there is time left. Beyond the budget, which is the wall's time, kGrace
  // of the processor's: who only waited for it is not to blame.
  bool has_time() noexcept;

 private:
  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t size) noexcept;
  static int open(lua_State* lua);
  bool begin(const std::string& file, std::string& error);
  void drop() noexcept;
  void keep(Call call) noexcept;
  bool run(int arguments, int results, Nanoseconds budget) noexcept;
  void keep_error(const char* text, std::size_t size) noexcept;

  leastwise_view& view_;
  Arena arena_;
  lua_State* lua_ = nullptr;
  std::array<bool, kCalls> has_{};
  std::array<int, kCalls> places_{};  // in Lua's registry
  int start_ = 0, seed_ = 0, manual_ = 0;
  bool picks_ = false;
  Nanoseconds budget_{}, deadline_{}, last_deadline_{};  // the last by the thread's own time
  char error_[256] = {};
  std::size_t error_size_ = 0;
};

}  // namespace leastwise::lua

#endif  // LEASTWISE_LUA_STATE_H_
