// Score: the predicted delay of a request on an endpoint, design §4.2.
#ifndef LEASTWISE_SRC_SCORE_H_
#define LEASTWISE_SRC_SCORE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "leastwise/decay.h"
#include "packed.h"
#include "plan.h"
#include "state.h"

namespace leastwise {

inline constexpr float kPriorWeight = 4;  // in mean costs: how much the pool's slowness counts
inline constexpr float kOwnShare = 0.8F;  // of the work in flight in m; the rest is x̄
inline constexpr float kCostCap = 4;      // in mean costs: a dear request is not starved
inline constexpr float kTieBreak = 0.001F;
inline constexpr float kErrorDecaySeconds = 10;
inline constexpr float kErrorFree = 1e-4F;  // shares below are not worth an exponential
inline constexpr float kErrorFloor = 0.002F;
inline constexpr float kErrorPenalty = 8;

// g: seconds of delay per second of predicted work, shrunk towards the pool's G.
inline float slowness(const Speed& s, float left, const Plan& plan) noexcept {
  const float prior = kPriorWeight * plan.mean_cost.get();
  return (s.delay * left + prior * plan.slowness.get()) / (s.work * left + prior);
}

// m: what a request in front is expected to cost.
inline float mean_ahead(std::uint64_t load_word, std::uint32_t n, float mean_cost) noexcept {
  if (n == 0) return mean_cost;
  return kOwnShare * load::work(load_word) / static_cast<float>(n) + (1 - kOwnShare) * mean_cost;
}

// e': the share of failures, as of now.
inline float error_now(std::uint64_t word, std::int64_t now_ms) noexcept {
  const ErrorShare e = error::unpack(word);
  if (!(e.share > kErrorFree)) return 0;
  const auto age = static_cast<std::int32_t>(static_cast<std::uint32_t>(now_ms) - e.ms);
  if (age <= 0) return e.share;
  return e.share * std::exp(static_cast<float>(age) * (-1e-3F / kErrorDecaySeconds));
}

// D with its penalty for failures; S = D (1+n)^κ / weight is the caller's to finish.
struct Score {
  // What is the same for all endpoints, taken out of the loop.
  Score(const Plan& p, const Costs& costs, const Decay& d, std::int64_t now) noexcept
      : plan(p),
        decay(d),
        now_ms(now),
        mean_cost(p.mean_cost.get()),
        cost(costs.cost),
        priced(p.price.get() * std::min(costs.cost, kCostCap * mean_cost)),
        shared(p.sharing.get() * costs.cost),
        served(1 - p.sharing.get()) {}

  float operator()(const state::Hot& endpoint, std::uint32_t n) const noexcept {
    const Speed s = speed::unpack(endpoint.speed.get());
    const float g = slowness(s, decay.left(s.epoch), plan);
    const float w = plan.wait_at(n);
    const float m = mean_ahead(endpoint.load.get(), n, mean_cost);
    float d = endpoint.base.get() + g * (cost + w * (priced + shared + served * m) +
                                         kTieBreak * mean_cost * static_cast<float>(n));
    if (const std::uint64_t word = endpoint.error.get(); word != 0) {
      const float e = error_now(word, now_ms);
      if (e > kErrorFloor) {
        d = d * (1 + kErrorPenalty * e) + kErrorPenalty * e * mean_cost * (1 + 20 * e);
      }
    }
    return d * plan.caution_at(n) / endpoint.weight.get();
  }

  const Plan& plan;
  const Decay& decay;
  std::int64_t now_ms;
  float mean_cost, cost, priced, shared, served;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_SCORE_H_
