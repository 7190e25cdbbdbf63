// Shadow: what a pool that only watches (Config::observe) says of the choices that it would have
// made, beside those that were made.
#ifndef LEASTWISE_SHADOW_H_
#define LEASTWISE_SHADOW_H_

#include <cstdint>

namespace leastwise {

// Of the last five to ten minutes. Times are those that Leastwise learns from (Outcome::occupied),
// in seconds; 0 = nothing is known.
struct ShadowView {
  struct Side {
    float mean = 0, p99 = 0;
    float failures = 0;  // share of the attempts
  };
  float seconds = 0;                        // that it has watched, of those minutes
  std::uint64_t decisions = 0, differ = 0;  // since it began to watch; where it would go elsewhere
  std::uint64_t answers = 0;
  // Part of what it would have picked that goes to endpoints which answer now. Below kEnough there
  // is nothing to expect the rest by, and `leastwise` is unknown.
  float covered = 0;
  static constexpr float kEnough = 0.9F;
  Side current;        // as measured
  float foreseen = 0;  // mean that the model expected of the same choices: how far to trust it
  Side leastwise;      // as expected, had it chosen
};

}  // namespace leastwise

#endif  // LEASTWISE_SHADOW_H_
