// Score: the predicted delay of a request on an endpoint, design §4.2.
#ifndef LEASTWISE_SRC_SCORE_H_
#define LEASTWISE_SRC_SCORE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "leastwise/decay.h"
#include "model/constants.h"
#include "packed.h"
#include "plan.h"
#include "state.h"

namespace leastwise {

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

// D of an endpoint of which the share e of requests fails.
inline float with_failures(float d, float e, float mean_cost) noexcept {
  if (!(e > kErrorFloor)) return d;
  return d * (1 + kErrorPenalty * e) + kErrorPenalty * e * mean_cost * (1 + 20 * e);
}

// S = D (1+n)^κ / weight, with D's penalty for failures. About 35 instructions.
class Score {
 public:
  // What is the same for all endpoints is worked out once per pick.
  Score(const Plan& plan, const Costs& costs, std::int64_t now_ms) noexcept
      : steps_(plan.steps.data()),
        now_ms_(now_ms),
        mean_cost_(plan.mean_cost.get()),
        pool_slowness_(plan.slowness.get()),
        cost_(costs.cost),
        // η min(x, 4x̄) + ψ x + (1-ψ) 0.2 x̄: what each unit of wait costs, n apart.
        per_wait_(plan.price.get() * std::min(cost_, kCostCap * mean_cost_) +
                  plan.sharing.get() * cost_ +
                  (1 - plan.sharing.get()) * (1 - kOwnShare) * mean_cost_) {}

  // Inlined by force: it is the body of the one loop that a pick spends its time in.
  [[gnu::always_inline]] float operator()(const state::Hot& endpoint, std::uint64_t load_word,
                                          std::uint32_t n) const noexcept {
    if (n >= Plan::kTable) [[unlikely]]
      return beyond_table(endpoint, load_word, n);
    return finish(endpoint, steps_[n], work(load_word, steps_[n]));
  }

  // What so many seconds of delay count for in the score of an endpoint.
  float of_delay(float delay, const state::Hot& endpoint, std::uint32_t n) const noexcept {
    const Plan::Step& step = steps_[std::min(n, Plan::kTable - 1)];
    return delay * step.caution.get() * endpoint.inverse_weight.get();
  }

 private:
  // Seconds of work and waiting that are expected, here and for others.
  [[gnu::always_inline]] float work(std::uint64_t load_word,
                                    const Plan::Step& step) const noexcept {
    return cost_ + step.wait.get() * per_wait_ + load::work_units(load_word) * step.ahead.get() +
           step.tie.get();
  }
  // Branches, not selections: what is unlikely costs nothing then.
  [[gnu::always_inline]] float finish(const state::Hot& endpoint, const Plan::Step& step,
                                      float d) const noexcept {
    float g = endpoint.slowness.get();
    if (!(g > 0)) [[unlikely]]
      g = pool_slowness_;
    d = d * g + endpoint.handicap.get();
    if (const std::uint64_t word = endpoint.error.get(); word != 0) [[unlikely]] {
      d = penalized(d, word);
    }
    return d * step.caution.get() * endpoint.inverse_weight.get();
  }
  [[gnu::noinline]] float beyond_table(const state::Hot& endpoint, std::uint64_t load_word,
                                       std::uint32_t n) const noexcept {
    const Plan::Step& last = steps_[Plan::kTable - 1];
    return finish(endpoint, last, work(load_word, last) * Plan::beyond(n));
  }
  [[gnu::noinline]] float penalized(float d, std::uint64_t error_word) const noexcept {
    return with_failures(d, error_now(error_word, now_ms_), mean_cost_);
  }

  const Plan::Step* steps_;
  std::int64_t now_ms_;
  float mean_cost_, pool_slowness_, cost_, per_wait_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_SCORE_H_
