#include "leastwise/decay.h"

#include <cmath>

namespace leastwise {

void Decay::recompute(Duration tau, std::int64_t ms) noexcept {
  ms_ = ms;
  tau_ = tau;
  const std::int64_t tau_ms = tau.count() < 1000 ? 1 : tau.count() / 1000;
  const std::int64_t period = 2 * tau_ms;
  epoch_ = static_cast<std::uint8_t>(ms / period);
  grow_ = std::exp(static_cast<float>(ms % period) / static_cast<float>(tau_ms));
  constexpr float kPerLandmark = 0.1353352832F;  // e^-2
  left_[0] = 1 / grow_;
  for (std::size_t age = 1; age < kAges; ++age) left_[age] = left_[age - 1] * kPerLandmark;
}

}  // namespace leastwise
