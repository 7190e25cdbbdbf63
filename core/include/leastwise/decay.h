// Decay: exponential forgetting with one exponential per millisecond, not per server.
//
// Forward decay (Cormode, Shkapenyuk, Srivastava, Xu 2009): a sum that should shrink by
// exp(-Δt/τ) is stored as if at a landmark in the past, grown instead of shrunk. All
// sums with the same landmark then share one factor. Landmarks are 2τ apart, so that a
// stored sum is at most e² of its true value; a sum that was last written under an
// older landmark costs a table look-up, and one older than kAges of them is forgotten
// (e^-24 of it would be left).
#ifndef LEASTWISE_DECAY_H_
#define LEASTWISE_DECAY_H_

#include <cstdint>

#include "leastwise/clock.h"

namespace leastwise {

// Private to one thread.
class Decay {
 public:
  static constexpr std::size_t kAges = 12;

  // Call with the time of each pick or finish before the other members.
  void set(Duration tau, TimePoint now) noexcept {
    const std::int64_t ms = milliseconds(now);
    if (ms == ms_ && tau == tau_) return;
    recompute(tau, ms);
  }

  // The current landmark, modulo 256.
  std::uint8_t epoch() const noexcept { return epoch_; }
  // What is left now of a sum that was stored under landmark `epoch`.
  float left(std::uint8_t epoch) const noexcept {
    return epoch == epoch_ ? left_ : left_ * shrunk(static_cast<std::uint8_t>(epoch_ - epoch));
  }
  // What a sum stored under landmark `epoch` is worth under the current one.
  float rebased(std::uint8_t epoch) const noexcept { return left(epoch) * grow_; }
  // What a sample of now weighs when added under the current landmark.
  float grow() const noexcept { return grow_; }

 private:
  void recompute(Duration tau, std::int64_t ms) noexcept;
  // By so many landmarks.
  static float shrunk(std::uint8_t age) noexcept;

  std::int64_t ms_ = -1;
  Duration tau_{};
  std::uint8_t epoch_ = 0;
  float grow_ = 1;
  float left_ = 1;
};

}  // namespace leastwise

#endif  // LEASTWISE_DECAY_H_
