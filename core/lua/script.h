// Script: a user's policy in Lua, as one thread of one process uses it.
//
// It chooses in the place of a policy of the core: give policy() to Config::policy. When it fails,
// takes too long, or answers what can not be, `adaptive` chooses, and what happened is counted by
// the pick's Reason and kept for the log. A script that goes on failing is left alone for a while.
//
// A call takes no lock, and in the steady state no memory and no system call. It is over when its
// budget is, one step of the script later: docs/adr/0029-scripts-check-their-time-themselves.md.
#ifndef LEASTWISE_LUA_SCRIPT_H_
#define LEASTWISE_LUA_SCRIPT_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/picker.h"
#include "leastwise/policy.h"
#include "lua/breaker.h"
#include "lua/request.h"
#include "lua/state.h"

namespace leastwise {
struct PickContext;
struct Choice;
}  // namespace leastwise

namespace leastwise::lua {

class Script {
 public:
  static constexpr std::chrono::milliseconds kCallBudget{1}, kTickBudget{20}, kTickPeriod{100};
  static constexpr std::int64_t kTellEachMs = 60'000;

  // Reads and starts it. nullptr, and what is wrong with FILE:LINE, when that fails.
  static std::unique_ptr<Script> load(const std::string& file, std::string& error) noexcept;
  // The same of a text; `file` is what it is called.
  static std::unique_ptr<Script> from_text(std::string_view text, const std::string& file,
                                           std::string& error) noexcept;
  // The fields and functions that scripts have, for docs/lua.md.
  static std::string manual();

  ~Script() = default;
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  bool has(Call call) const noexcept { return state_.has(call); }
  // nullptr when it says routes or keys only.
  const Policy* policy() const noexcept { return has(Call::kChoose) ? &policy_.policy : nullptr; }

  // Whose questions the next calls answer; nullptr: there is no request.
  void about(const RequestSource& source, const void* request) noexcept {
    source_ = source;
    request_ = request;
  }

  // What the script says the route or the key is: a view until the next call. False when it says
  // nothing: nil, or a failure.
  bool tell(Call call, TimePoint now, std::string_view& out) noexcept;

  // The list of servers is another from now on, or their memory is.
  void lose_pool() noexcept {
    members_ = nullptr;
    view_.capacity = 0;
  }

  // The script's tick(), when it is due, and what is to be mended. To be called ten times a second
  // or so, outside of requests.
  void tick(TimePoint now) noexcept;

  // Whether tick() or news() have something to do. By any thread.
  bool wants_attention() const noexcept { return attention_.load(std::memory_order_relaxed); }

  // What went wrong since it was last asked, once a minute at most. False: nothing to tell.
  struct News {
    std::string_view error;
    std::uint64_t faults = 0;  // in that time
  };
  bool news(TimePoint now, News& out) noexcept;

  std::uint64_t faults() const noexcept { return faults_; }
  const Arena& arena() const noexcept { return state_.arena(); }
  void seed(std::uint32_t value) noexcept { state_.seed(value); }

 private:
  // Found from Config::policy by its address.
  struct OwnPolicy {
    Policy policy;
    Script* script;
  };

  explicit Script(std::string file) noexcept;
  static Choice pick(PickContext& context) noexcept;
  Choice choose(PickContext& context) noexcept;
  bool ask(PickContext& context) noexcept;
  void look(PickContext& context) noexcept;
  void see_members(const PickContext& context) noexcept;
  bool has_answered(PickContext& context, Choice& choice) const noexcept;
  bool may_call(TimePoint now) const noexcept;
  bool end(bool succeeded, TimePoint now) noexcept;
  void fault(TimePoint now, std::string_view error, Severity severity) noexcept;
  void forget_factors() noexcept;
  void rest() noexcept;

  static std::int32_t look_at_clock(leastwise_view* view) noexcept;
  static std::int32_t look_up(leastwise_view* view, std::int32_t what, const char* name,
                              std::size_t size) noexcept;
  static double predict(leastwise_view* view, std::uint32_t id) noexcept;
  static double share(const char* text, std::size_t size) noexcept;
  static Script& of(leastwise_view* view) noexcept;

  leastwise_view view_{};
  State state_{view_};
  OwnPolicy policy_;
  std::string file_, source_text_;
  RequestSource source_;
  const void* request_ = nullptr;
  const PickContext* context_ = nullptr;

  // Of the pool, by endpoint, and of the members that were seen last.
  std::vector<float> factors_;
  std::vector<std::uint32_t> counts_, pool_;
  const Member* members_ = nullptr;
  std::size_t member_count_ = 0;

  Breaker breaker_;
  bool is_spoilt_ = false;
  bool is_seeded_ = false;
  std::atomic<bool> attention_{true};
  std::int64_t ticked_ms_ = 0, told_ms_ = 0;
  std::uint64_t faults_ = 0, faults_told_ = 0;
  std::array<char, 256> error_{};
  std::size_t error_size_ = 0;
};

}  // namespace leastwise::lua

#endif  // LEASTWISE_LUA_SCRIPT_H_
