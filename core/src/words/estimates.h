// Estimates: what an endpoint's words say as of now. Pure functions; units in packed.h.
#ifndef LEASTWISE_SRC_WORDS_ESTIMATES_H_
#define LEASTWISE_SRC_WORDS_ESTIMATES_H_

#include <cmath>
#include <cstdint>

#include "words/constants.h"
#include "words/packed.h"
#include "words/plan.h"

namespace leastwise {

inline constexpr float kErrorDecaySeconds = 10;
inline constexpr float kErrorFree = 1e-4F;  // shares below are not worth an exponential

// Seconds of delay per second of predicted work, shrunk towards the pool's G as if `strength` mean
// requests had been answered at its pace.
inline float slowness(const Speed& s, float left, const Plan& plan, float strength) noexcept {
  const float prior = strength * plan.mean_cost.get();
  return (s.delay * left + prior * plan.slowness.get()) / (s.work * left + prior);
}
// Whether an endpoint whose answers took `delay` for `work` is one of those that are about as fast
// as most, as far as so few answers can say.
inline bool is_alike(float work, float delay, const Plan& plan) noexcept {
  const float off = delay - plan.centre.get() * work;
  return off * off < work * (plan.chance.get() + plan.reach.get() * work);
}
// g: by what is known of how much the endpoints differ, those that are alike and all others.
inline float slowness(const Speed& s, float left, const Plan& plan) noexcept {
  const float work = s.work * left;
  const float delay = s.delay * left;
  const Plan::Anchor& anchor = is_alike(work, delay, plan) ? plan.alike : plan.others;
  return (delay + anchor.delay.get()) / (work + anchor.work.get());
}

// e': the share of failures, as of now.
inline float error_now(std::uint64_t word, std::int64_t now_ms) noexcept {
  const ErrorShare e = error::unpack(word);
  if (!(e.share > kErrorFree)) return 0;
  const auto age = static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms) - e.ms);
  if (age <= 0) return e.share;
  return e.share * std::exp(static_cast<float>(age) * (-1e-3F / kErrorDecaySeconds));
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_ESTIMATES_H_
