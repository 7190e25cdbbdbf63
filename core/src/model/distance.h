// Distance: what the way to a server takes, whatever it is asked: b.
#ifndef LEASTWISE_SRC_MODEL_DISTANCE_H_
#define LEASTWISE_SRC_MODEL_DISTANCE_H_

#include <cstdint>

namespace leastwise {

// The fastest answer of each endpoint in a window, half of it from the window before, beyond that
// of the pool's fastest endpoint. A window lasts two seconds, and until the endpoint has given 16
// answers: the fastest of a few says more of what was asked than of the way there, and who looks
// far away is asked less. Until its first window ends, what was seen of it counts; in the pool's
// first two seconds that is renewed every 64 samples, so that far zones are known early.
//
// Written by the holder of the tick only.
class Distance {
 public:
  static constexpr std::uint32_t kEnough = 16;  // answers for a window to end

  struct Endpoint {
    float fastest = 0;          // smoothed over windows, seconds; 0 = unknown
    float least = 0;            // that it ever was: what a distance is, and a slow time is not
    std::uint32_t answers = 0;  // of this window
    float backing = 0;          // answers that `fastest` is the least of
  };

  bool goes_over_to_round_trips(bool has_any) noexcept {
    if (!has_any || by_round_trips()) return false;
    by_round_trips_ = 1;
    return true;
  }
  bool by_round_trips() const noexcept { return by_round_trips_ != 0; }

  // How much of the fastest answer may be chance, in mean answer times: `prior` is K. The least of
  // n exponential times is 1/n of their mean.
  float chance(const Endpoint& endpoint, float prior) const noexcept;

  void reset() noexcept {
    window_ms_ = 0;
    provisional_ = 0;
    by_round_trips_ = 0;
  }

  // What is to be done with the fastest answers seen so far.
  enum class Due : std::uint8_t { kNothing, kProvisional, kWindow };
  Due due(std::int64_t now_ms, std::uint64_t samples) noexcept;

 private:
  std::int64_t window_ms_;        // when the present window began; 0 = not yet
  std::uint64_t provisional_;     // samples at the last provisional look
  std::uint32_t by_round_trips_;  // no bool: damaged memory may hold anything
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_DISTANCE_H_
