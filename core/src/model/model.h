// Model: what the slow half learns of a pool, sample by sample.
#ifndef LEASTWISE_SRC_MODEL_MODEL_H_
#define LEASTWISE_SRC_MODEL_MODEL_H_

#include <array>
#include <cstdint>

#include "model/distance.h"
#include "model/guests.h"
#include "model/mixture.h"
#include "model/prior.h"
#include "model/silence.h"
#include "model/toll.h"
#include "model/wait_curve.h"
#include "words/answer_ring.h"
#include "words/plan.h"
#include "words/routes.h"

namespace leastwise {

// What the model keeps of one endpoint.
struct Learned {
  Mixture::Endpoint mixture;
  Distance::Endpoint base;
  Silence silence;
  Toll toll;
  // The audit's suspicion of the in-flight count: see state::audit().
  std::int32_t drift = 0;
  std::uint32_t drift_seen = 0;
};

// Estimates by design §4.2; names of the symbols are in the comments. All durations in
// seconds. Everything here is advice: a model that is wrong, or memory that was
// overwritten, is noticed by sane() and costs a fresh start, never a bad index.
//
// Lives in shared memory and is written by the holder of the tick only. All-zero memory
// must be reset() before use.
class Model {
 public:
  static constexpr std::uint64_t kEnough = 32;  // samples before the policy relies on it

  void reset() noexcept;

  // One finished request. `mixed` tells whether the mixture learns from it too.
  void add(const Answer& sample, Learned& endpoint, Routes& routes, bool mixed,
           std::int64_t now_ms) noexcept;

  void publish(Plan& plan, bool has_weights) noexcept;

  // Whether the plan says all that the model does.
  bool is_told(const Plan& plan) const noexcept {
    return (plan.learned.get() != 0) == (confirmed_ >= kEnough) && plan.samples.get() == samples_;
  }

  bool sane() const noexcept;
  std::uint64_t samples() const noexcept { return samples_; }
  // The clock went back: what was learned stays, but is not relied on until it is confirmed.
  void distrust() noexcept { confirmed_ = 0; }
  Distance& base() noexcept { return base_; }
  const Mixture& mixture() const noexcept { return mixture_; }
  Prior& prior() noexcept { return prior_; }
  double spread() const noexcept { return spread_; }

 private:
  double wait(std::uint32_t q) const noexcept;
  void publish_prior(Plan& plan, bool has_weights) const noexcept;
  void renew_waits() noexcept;
  void renew_caution() noexcept;
  double own_time(double time_by_slowness) const noexcept;
  void learn_slots(const Answer& s, double expected, Learned& endpoint,
                   const Routes& routes) noexcept;
  void learn_route(const Answer& s, double own, Routes& routes, std::int64_t now_ms) noexcept;
  // What one answer says of its route's cost.
  struct Lesson {
    double estimate, own, wait;
  };
  static double learn_costs(const Lesson& l, double prior, std::uint16_t slot, Costs& costs,
                            Routes& routes, std::int64_t now_ms) noexcept;
  double learn_kind(const Answer& s, const Lesson& l, Routes& routes) noexcept;
  void learn_patience(float took) noexcept;
  void learn_mean(double cost) noexcept;
  double long_time() const noexcept;
  void learn_place(std::uint16_t route, double stayed, Routes& routes) noexcept;
  void watch_place(std::uint16_t route, double stayed, Routes& routes) noexcept;
  void learn_whole(std::uint16_t route, double whole, Routes& routes) noexcept;
  void learn_stay(std::uint16_t route, double stayed, bool is_long, Routes& routes) noexcept;
  bool only_waits(const Answer& s, const Routes& routes) const noexcept;
  void learn_wait(const Answer& s, Routes& routes, std::int64_t now_ms) noexcept;
  void learn_guests(const Answer& s, Routes& routes) noexcept;
  void learn_sharing(const Answer& s, double own, double cost, double w) noexcept;

  double mean_cost_;     // x̄
  double typical_cost_;  // the same, with those that are dear for little
  double delay_, work_;  // pA, pB
  double slowness_;      // G = pA/pB
  double requests_;      // decays as they do: how many samples are in them
  double sharing_;       // ψ, from
  double sharing_n_, sharing_d_;
  double spread_;     // φ
  Prior prior_;       // K
  double mean_wait_;  // w̄
  double patience_;   // p99 of answer times
  WaitCurve curve_;
  Mixture mixture_;
  Guests guests_;
  // Of both, for whole q; and (1+q)^κ for the κ beside it: renewed only when they change.
  std::array<float, Plan::kTable> waits_;
  std::array<float, Plan::kTable> caution_;
  double caution_exponent_;
  Distance base_;
  std::uint64_t samples_, confirmed_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_MODEL_H_
