// Breaker: whether a script that failed is asked again. After three failures in a row it is not,
// for a second at first, and twice as long each time that the next try fails, up to a minute.
#ifndef LEASTWISE_LUA_BREAKER_H_
#define LEASTWISE_LUA_BREAKER_H_

#include <algorithm>
#include <cstdint>

namespace leastwise::lua {

class Breaker {
 public:
  static constexpr std::uint32_t kFailures = 3;
  static constexpr std::int64_t kFirstMs = 1000, kLongestMs = 64'000;

  // A clock that went back closes it.
  bool is_open(std::int64_t now_ms) const noexcept {
    return now_ms < until_ms_ && until_ms_ - now_ms <= kLongestMs;
  }
  void succeed() noexcept {
    failures_ = 0;
    wait_ms_ = 0;
  }
  // `grave`: not to be tried again at once.
  void fail(std::int64_t now_ms, bool grave) noexcept {
    if (++failures_ < kFailures && !grave) return;
    failures_ = kFailures - 1;  // the try after the wait decides
    wait_ms_ = wait_ms_ == 0 ? kFirstMs : std::min(2 * wait_ms_, kLongestMs);
    until_ms_ = now_ms + wait_ms_;
  }

 private:
  std::uint32_t failures_ = 0;
  std::int64_t wait_ms_ = 0, until_ms_ = 0;
};

}  // namespace leastwise::lua

#endif  // LEASTWISE_LUA_BREAKER_H_
