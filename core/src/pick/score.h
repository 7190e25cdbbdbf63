// Score: the predicted delay of a request on an endpoint, design §4.2.
#ifndef LEASTWISE_SRC_PICK_SCORE_H_
#define LEASTWISE_SRC_PICK_SCORE_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "memory/state.h"
#include "words/constants.h"
#include "words/estimates.h"
#include "words/float4.h"
#include "words/packed.h"
#include "words/plan.h"

namespace leastwise {

inline constexpr float kErrorFloor = 0.002F;
inline constexpr float kErrorPenalty = 8;

// m: what a request in front is expected to cost.
inline float mean_ahead(std::uint64_t load_word, std::uint32_t n, float mean_cost) noexcept {
  if (n == 0) return mean_cost;
  return kOwnShare * load::work(load_word) / static_cast<float>(n) + (1 - kOwnShare) * mean_cost;
}

// D of an endpoint of which the share e of requests fails.
template <typename F>
F with_failures(F d, float e, float mean_cost) noexcept {
  if (!(e > kErrorFloor)) return d;
  return d * (1 + kErrorPenalty * e) + kErrorPenalty * e * mean_cost * (1 + 20 * e);
}

// What depends on the request alone, worked out once per pick.
template <typename F>
struct RequestTerms {
  F cost;      // x_r
  F per_wait;  // η min(x, 4x̄) + ψ x + (1-ψ) 0.2 x̄: what each unit of wait costs, n apart
};

template <typename F>
RequestTerms<F> request_terms(const Plan& plan, F cost) noexcept {
  const float mean = plan.mean_cost.get();
  const F capped = cost < kCostCap * mean ? cost : kCostCap * mean + F{};
  const float psi = plan.sharing.get();
  return {cost, plan.price.get() * capped + psi * cost + (1 - psi) * (1 - kOwnShare) * mean};
}

// What depends on the endpoint, and on what is in flight there.
template <typename F>
struct EndpointTerms {
  F wait, ahead, tie, caution;  // see Plan::Step
  F units;                      // of the load word
  F slowness, handicap, inverse_weight;

  // D, its penalty for failures apart: of one or four endpoints, for one request or four.
  template <typename R>
  auto delay(const RequestTerms<R>& request) const noexcept {
    return (request.cost + wait * request.per_wait + units * ahead + tie) * slowness + handicap;
  }
};

struct FourEndpoints {
  std::array<const state::Hot*, kFour> endpoints;
  std::array<std::uint64_t, kFour> words;  // their load words,
  std::array<std::uint32_t, kFour> n;      // and what is in flight by these or by the front end

  // Whether they can be scored at once: not with failures, or with more in flight than the table
  // has.
  [[gnu::always_inline]] bool are_usual() const noexcept {
    const std::uint64_t unusual = (n[0] | n[1] | n[2] | n[3]) / Plan::kTable |
                                  endpoints[0]->error.get() | endpoints[1]->error.get() |
                                  endpoints[2]->error.get() | endpoints[3]->error.get();
    return unusual == 0;
  }
};

// S = D (1+n)^κ / weight, for a request of one cost, or with F = Float4 for four costs.
template <typename F>
class Score {
 public:
  Score(const Plan& plan, F cost, TimePoint now) noexcept
      : steps_(plan.steps.data()),
        now_(now),
        mean_cost_(plan.mean_cost.get()),
        pool_slowness_(plan.slowness.get()),
        request_(request_terms(plan, cost)) {}

  [[gnu::always_inline]] F operator()(const state::Hot& endpoint, std::uint64_t load_word,
                                      std::uint32_t n) const noexcept {
    const Plan::Step& step = steps_[std::min(n, Plan::kTable - 1)];
    const float g = endpoint.slowness.get();
    EndpointTerms<float> terms{.wait = step.wait.get(),
                               .ahead = step.ahead.get(),
                               .tie = step.tie.get(),
                               .caution = step.caution.get(),
                               .units = load::work_units(load_word),
                               .slowness = g > 0 ? g : pool_slowness_,
                               .handicap = endpoint.handicap.get(),
                               .inverse_weight = endpoint.inverse_weight.get()};
    if (n >= Plan::kTable) [[unlikely]]
      terms.slowness *= Plan::beyond(n);
    F d = terms.delay(request_);
    if (const std::uint64_t word = endpoint.error.get(); word != 0) [[unlikely]] {
      d = penalized(d, word, now_, mean_cost_);
    }
    return d * terms.caution * terms.inverse_weight;
  }

  // What so many seconds of delay count for in the score of an endpoint.
  float of_delay(float delay, const state::Hot& endpoint, std::uint32_t n) const noexcept {
    const Plan::Step& step = steps_[std::min(n, Plan::kTable - 1)];
    return delay * step.caution.get() * endpoint.inverse_weight.get();
  }

 private:
  friend class ScoreOfFour;

  // Takes values, not `this`: what a loop of scores needs stays in registers then.
  [[gnu::noinline]] static F penalized(F d, std::uint64_t error_word, TimePoint now,
                                       float mean_cost) noexcept {
    return with_failures(d, error_now(error_word, milliseconds(now)), mean_cost);
  }

  const Plan::Step* steps_;
  TimePoint now_;
  float mean_cost_, pool_slowness_;
  RequestTerms<F> request_;
};

// Of four endpoints at once: most of what a pick takes is this. What all four share is spread over
// the lanes once per pick.
class ScoreOfFour {
 public:
  explicit ScoreOfFour(const Score<float>& one) noexcept
      : steps_(one.steps_),
        pool_slowness_(four_of(one.pool_slowness_)),
        request_{four_of(one.request_.cost), four_of(one.request_.per_wait)} {}

  // REQUIRES: four.are_usual().
  [[gnu::always_inline]] Float4 operator()(const FourEndpoints& four) const noexcept {
    const auto& endpoints = four.endpoints;
    const auto& n = four.n;
    const Columns step =
        transpose({steps_[n[0]].all(), steps_[n[1]].all(), steps_[n[2]].all(), steps_[n[3]].all()});
    const Columns known = transpose({endpoints[0]->terms(), endpoints[1]->terms(),
                                     endpoints[2]->terms(), endpoints[3]->terms()});
    EndpointTerms<Float4> terms{
        .wait = step.a,
        .ahead = step.b,
        .tie = step.c,
        .caution = step.d,
        .units = gather([&](std::size_t k) { return load::work_units(four.words[k]); }),
        .slowness = known.c,
        .handicap = known.b,
        .inverse_weight = known.d};
    terms.slowness = terms.slowness > 0 ? terms.slowness : pool_slowness_;
    return terms.delay(request_) * terms.caution * terms.inverse_weight;
  }

 private:
  const Plan::Step* steps_;
  Float4 pool_slowness_;
  RequestTerms<Float4> request_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_SCORE_H_
