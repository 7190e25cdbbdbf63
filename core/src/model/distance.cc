#include "model/distance.h"

#include <algorithm>

namespace leastwise {
namespace {

constexpr std::int64_t kWindowMs = 2000;
constexpr std::uint64_t kProvisionalEvery = 64;

constexpr float kChance = 7;
constexpr float kPriorHalf = 30;

}  // namespace

float Distance::chance(const Endpoint& endpoint, float prior) const noexcept {
  if (by_round_trips()) return 0;
  const float answers =
      endpoint.fastest > 0 ? endpoint.backing : static_cast<float>(endpoint.answers);
  return kChance / std::max(answers, 1.0F) * prior / (prior + kPriorHalf);
}

Distance::Due Distance::due(std::int64_t now_ms, std::uint64_t samples) noexcept {
  if (samples == 0) return Due::kNothing;
  // In the future: the clock went back.
  if (window_ms_ <= 0 || window_ms_ > now_ms) window_ms_ = now_ms;
  if (now_ms - window_ms_ > kWindowMs) {
    window_ms_ = now_ms;
    provisional_ = UINT64_MAX;  // windows from now on
    return Due::kWindow;
  }
  if (provisional_ != UINT64_MAX && samples - provisional_ >= kProvisionalEvery) {
    provisional_ = samples;
    return Due::kProvisional;
  }
  return Due::kNothing;
}

}  // namespace leastwise
