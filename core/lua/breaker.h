// Breaker: whether a script that failed is asked again. After three failures in a row it is not,
// for a second at first, and twice as long each time that the next try fails, up to a minute. After
// a call that took all its time it is not for a moment: of the requests that waited behind it, and
// of its other functions for the same request, none is to wait for another.
#ifndef LEASTWISE_LUA_BREAKER_H_
#define LEASTWISE_LUA_BREAKER_H_

#include <algorithm>
#include <cstdint>

namespace leastwise::lua {

enum class Severity : std::uint8_t {
  kPlain,
  kLate,   // it took all its time
  kGrave,  // not to be tried again at once
};

class Breaker {
 public:
  static constexpr std::int64_t kPauseMs = 10;
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
  void fail(std::int64_t now_ms, Severity severity) noexcept {
    if (++failures_ < kFailures && severity != Severity::kGrave) {
      if (severity == Severity::kLate) until_ms_ = now_ms + kPauseMs;
      return;
    }
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
