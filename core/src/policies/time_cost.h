// TimeCost: what `least_time` and `peak_ewma` compare.
#ifndef LEASTWISE_SRC_POLICIES_TIME_COST_H_
#define LEASTWISE_SRC_POLICIES_TIME_COST_H_

#include <algorithm>
#include <cstdint>

#include "pick/pick_context.h"
#include "pick/score.h"
#include "words/answer_time.h"
#include "words/estimates.h"

namespace leastwise {

// The cost that both policies compare: time × (in flight + 1) / weight, dearer for a server
// that fails, by the rule of `adaptive`, since a failure may be fast and is no sample.
class TimeCost {
 public:
  explicit TimeCost(const PickContext& context) noexcept
      : context_(context),
        now_ms_(milliseconds(context.now)),
        rate_(1 / std::max(seconds(context.config.decay), 1e-3F)),
        mean_(mean_answer_time(context.plan)) {}

  // False: no server is known yet, and all are taken to be alike.
  bool learned() const noexcept { return mean_ > 0; }

  float operator()(MemberIndex member) const noexcept {
    const state::Hot& endpoint = context_.endpoint(member);
    float time = learned() ? time_of(context_.record(member).answer_time.get()) : 1;
    if (const std::uint64_t word = endpoint.error.get(); word != 0) [[unlikely]] {
      time = with_failures(time, error_now(word, now_ms_), learned() ? mean_ : 1);
    }
    return time * static_cast<float>(context_.in_flight(member) + 1) *
           endpoint.inverse_weight.get();
  }

 private:
  float time_of(std::uint64_t word) const noexcept {
    const AnswerTime t = answer_time::unpack(word);
    if (!(t.seconds > 0)) return mean_;
    return mean_ + (t.seconds - mean_) * Fade::of(age_seconds(t, now_ms_) * rate_);
  }

  const PickContext& context_;
  std::int64_t now_ms_;
  float rate_, mean_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_POLICIES_TIME_COST_H_
