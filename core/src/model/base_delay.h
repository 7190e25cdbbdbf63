// Base delay: what the way to a server takes, whatever it is asked: b.
#ifndef LEASTWISE_SRC_MODEL_BASE_DELAY_H_
#define LEASTWISE_SRC_MODEL_BASE_DELAY_H_

#include <cstdint>

namespace leastwise {

// The fastest answer of each endpoint in windows of two seconds, half of it from the
// window before, beyond that of the pool's fastest endpoint. In the first window it is
// renewed every 64 samples, so that far zones are known early.
//
// Written by the holder of the tick only.
class BaseDelay {
 public:
  struct Endpoint {
    float fastest = 0;  // smoothed over windows, seconds; 0 = unknown
    float least = 0;    // that it ever was: what a distance is, and a slow time is not
  };

  void reset() noexcept {
    window_ms_ = 0;
    provisional_ = 0;
  }

  // What is to be done with the fastest answers seen so far.
  enum class Due : std::uint8_t { kNothing, kProvisional, kWindow };
  Due due(std::int64_t now_ms, std::uint64_t samples) noexcept;

 private:
  std::int64_t window_ms_;     // when the present window began; 0 = not yet
  std::uint64_t provisional_;  // samples at the last provisional look
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_BASE_DELAY_H_
