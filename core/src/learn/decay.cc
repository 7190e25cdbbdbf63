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
  left_ = 1 / grow_;
}

float Decay::shrunk(std::uint8_t age) noexcept {
  if (age >= kAges) return 0;
  constexpr float kPerLandmark = 0.1353352832F;  // e^-2
  float factor = 1;
  for (; age > 0; --age) factor *= kPerLandmark;
  return factor;
}

}  // namespace leastwise
