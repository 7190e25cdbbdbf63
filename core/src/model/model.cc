#include "model/model.h"

#include <algorithm>
#include <cmath>

#include "words/constants.h"
#include "words/packed.h"

namespace leastwise {
namespace {

constexpr double kForgetPool = 0.9995;
constexpr double kForgetSharing = 0.999;
constexpr double kMeanStep = 0.002;
constexpr double kTypicalCap = 4;  // times the typical cost, which a dear route counts for in it
constexpr double kMeanCap = 32;    // and in the mean
constexpr double kSpreadStep = 0.002;
constexpr double kWaitStep = 0.005;
constexpr double kRouteStep = 0.02;
constexpr double kSlowRouteStep = 0.001;
constexpr std::uint32_t kSlowRouteFrom = 8;
constexpr double kLeastCost = 20e-6;
constexpr double kAnchor = 0.03;
constexpr double kAnchorReach = 2;
constexpr double kSharingWait = 0.02;  // below, a sample tells nothing of sharing
constexpr std::uint64_t kFitEvery = 256;
constexpr double kMostSurprise = 32;  // of an answer to the mixture, times what was expected

// The price η and the caution κ grow with the mean wait: dear only when there is queueing.
constexpr double kPriceLeast = 2;
constexpr double kPriceMore = 5;
constexpr double kPriceHalf = 0.5;
constexpr double kCautionMost = 0.5;
constexpr double kCautionHalf = 0.2;
constexpr double kCautionStep = 0.002;  // of κ, below which its powers are not renewed

double price(double mean_wait) noexcept {
  return kPriceLeast + kPriceMore * mean_wait / (mean_wait + kPriceHalf);
}
double caution(double mean_wait) noexcept {
  return kCautionMost * mean_wait / (mean_wait + kCautionHalf);
}

// Steps of estimators that waiting blurs shrink with the wait.
double steadied(double step, double w) noexcept { return step / ((1 + 2 * w) * (1 + 2 * w)); }

// Picked before anything was known, or with slownesses that can be divided by.
bool is_measured(const Answer& s) noexcept {
  return !(s.predicted > 0) || (s.slowness > 0 && s.slowness_before > 0);
}

// Guards against what damaged shared memory may hold.
bool usable(const Answer& s) noexcept {
  const float sum = s.took + s.predicted + s.slow_cost + s.ahead + s.mean_ahead + s.wait +
                    s.slowness_before + s.slowness + s.whole;
  return std::isfinite(sum) && s.took > 0 && is_measured(s) && s.wait >= 0 &&
         s.route <= Routes::kOther && s.guest <= Routes::kOther;
}

}  // namespace

void Model::reset() noexcept {
  mean_cost_ = typical_cost_ = delay_ = work_ = requests_ = 0;
  slowness_ = 1;
  sharing_ = 0.5;
  sharing_n_ = sharing_d_ = 0;
  spread_ = 1;
  mean_wait_ = 0;
  curve_.reset();
  mixture_.reset();
  guests_ = {};
  renew_waits();
  renew_caution();
  base_.reset();
  samples_ = confirmed_ = 0;
}

double Model::wait(std::uint32_t q) const noexcept {
  if (q < Plan::kTable) return waits_[q];
  return waits_[Plan::kTable - 1] * Plan::beyond(q);
}

void Model::renew_waits() noexcept {
  WaitCurve::Points points;
  for (std::size_t k = 0; k < WaitCurve::kPoints; ++k) {
    points[k] = 0.5 * curve_.points()[k] + 0.5 * mixture_.curve()[k];
  }
  WaitCurve::tabulate(points, waits_);
}

void Model::renew_caution() noexcept {
  caution_exponent_ = caution(mean_wait_);
  for (std::uint32_t q = 0; q < Plan::kTable; ++q) {
    caution_[q] = static_cast<float>(std::pow(1.0 + q, caution_exponent_));
  }
}

void Model::add(const Answer& sample, Learned& endpoint, Routes& routes, bool mixed,
                std::int64_t now_ms) noexcept {
  if (!usable(sample)) return;
  if (sample.in_flight == Answer::kPlace) {
    return learn_place(sample.route, double{sample.took}, routes);
  }
  ++endpoint.base.answers;
  const bool waits = only_waits(sample, routes);
  if (waits) learn_wait(sample, routes, now_ms);
  learn_whole(sample.route, double{sample.whole}, routes);
  if (waits) {
    ++samples_;
    return;
  }
  if (mixed && sample.guests > 0) learn_guests(sample, routes);
  Answer s = sample;
  if (mean_cost_ <= 0) mean_cost_ = s.took;
  // Picked before anything was known: what it took stands for what was predicted.
  if (!(s.predicted > 0)) {
    s.predicted = s.took;
    s.slowness = s.slowness_before = 1;
    s.ahead = s.mean_ahead = static_cast<float>(mean_cost_);
  }
  if (mixed) {
    const bool was_expected = sample.predicted > 0;
    learn_slots(s, was_expected ? double{s.slowness_before * s.predicted} : mean_cost_, endpoint,
                routes);
  }
  delay_ = delay_ * kForgetPool + s.took;
  work_ = work_ * kForgetPool + s.predicted;
  requests_ = requests_ * kForgetPool + 1;
  slowness_ = delay_ / work_;

  const double surprise = s.took / (s.slowness_before * s.predicted) - 1;
  spread_ += kSpreadStep * (std::min(surprise * surprise, 25.0) - spread_);
  mean_wait_ += kWaitStep * (s.wait - mean_wait_);
  learn_route(s, own_time(s.took / s.slowness), routes, now_ms);
  ++samples_;
  if (++confirmed_ % kFitEvery == 0) {
    curve_.fit(mean_cost_);
    renew_waits();
  }
}

// The first answers are not clipped yet. One bound for all hypotheses: a bound on each one's own
// surprise is in favour of those that predict too little.
void Model::learn_slots(const Answer& s, double expected, Learned& endpoint,
                        const Routes& routes) noexcept {
  const Costs costs = routes.costs(static_cast<std::uint16_t>(s.route));
  const double slow_cost = costs.slow > 0    ? double{costs.slow}
                           : s.slow_cost > 0 ? double{s.slow_cost}
                                             : mean_cost_;
  const bool changed =
      mixture_.add(endpoint.mixture, {.took = std::min(double{s.took}, kMostSurprise * expected),
                                      .slow_cost = slow_cost,
                                      .ahead = s.ahead,
                                      .q = double(s.in_flight),
                                      .mean_cost = mean_cost_,
                                      .pool_delay = delay_,
                                      .spread = spread_,
                                      .ms = s.ms});
  if (changed) renew_waits();
}

// What a request would have taken on a server of slowness 1, from its time by its server's
// slowness. Costs and slowness are found from their product alone, so a factor that moved from one
// to the other would never be missed, and noise does move it: without the anchor the costs were off
// by 10⁻³ or 10⁴ after an hour. With it they tend to seconds on a server of the pool's mean, G = 1:
// gently, since g follows G late; but what is off by more than twice is taken back in full.
double Model::own_time(double time_by_slowness) const noexcept {
  const double near = std::clamp(slowness_, 1 / kAnchorReach, kAnchorReach);
  return time_by_slowness * (1 + kAnchor * (near - 1)) * (slowness_ / near);
}

// `own` is own_time().
void Model::learn_route(const Answer& s, double own, Routes& routes, std::int64_t now_ms) noexcept {
  const auto slot = static_cast<std::uint16_t>(s.route);
  const std::uint32_t count = routes.count(slot, now_ms);
  const double w = wait(s.in_flight);
  const double estimate = own - w * s.ahead;
  Costs costs = routes.costs(slot);
  double cost = costs.cost > 0 ? costs.cost + steadied(kRouteStep, w) * (estimate - costs.cost)
                               : std::max(estimate, 0.2 * own);
  if (count == kSlowRouteFrom) {
    costs.slow = static_cast<float>(costs.cost);
  } else if (count > kSlowRouteFrom) {
    const double step = steadied(std::max(kSlowRouteStep, 1.0 / count), w);
    costs.slow =
        static_cast<float>(std::max(kLeastCost, costs.slow + step * (estimate - costs.slow)));
  }
  if (costs.cost > 0) learn_sharing(s, own, cost, w);
  cost = std::max(cost, kLeastCost);
  costs.cost = static_cast<float>(cost);
  routes.set_costs(slot, costs);
  const double step = std::max(kMeanStep, 1.0 / static_cast<double>(samples_ + 1));
  const double typical = std::min(cost, typical_cost_ > 0 ? kTypicalCap * typical_cost_ : cost);
  typical_cost_ = std::max(kLeastCost, typical_cost_ + step * (typical - typical_cost_));
  const double bounded = std::min(cost, kMeanCap * typical_cost_);
  mean_cost_ = std::max(kLeastCost, mean_cost_ + kMeanStep * (bounded - mean_cost_));
  curve_.add(s.in_flight, own - cost, s.ahead);
}

// ψ by regression of the extra time on the difference that this request's own size makes:
// under processor sharing a long request waits longer, first come first served it does not.
void Model::learn_sharing(const Answer& s, double own, double cost, double w) noexcept {
  if (w <= kSharingWait) return;
  const double z = w * (cost - s.mean_ahead);
  const double y = own - cost - w * s.mean_ahead;
  const double scale = 1 / (mean_cost_ * mean_cost_ * (1 + w * w));
  sharing_n_ = sharing_n_ * kForgetSharing + y * z * scale;
  sharing_d_ = sharing_d_ * kForgetSharing + z * z * scale;
  sharing_ = std::clamp((sharing_n_ + 1) / (sharing_d_ + 2), 0.0, 1.0);
}

bool Model::sane() const noexcept {
  const double sum = mean_cost_ + typical_cost_ + delay_ + work_ + slowness_ + requests_ +
                     sharing_ + spread_ + mean_wait_ + caution_exponent_ + wait(1) + wait(100);
  return std::isfinite(sum) && mean_cost_ >= 0 && mean_cost_ < 1e6 && slowness_ > 0 &&
         slowness_ < 1e6 && sharing_ >= 0 && sharing_ <= 1 && mean_wait_ >= 0 && spread_ >= 0 &&
         wait(0) >= 0 && wait(1) >= 0 && wait(100) >= 0;
}

void Model::publish(Plan& plan) noexcept {
  if (std::abs(caution(mean_wait_) - caution_exponent_) > kCautionStep) renew_caution();
  plan.learned.set(confirmed_ >= kEnough ? 1 : 0);
  plan.mean_cost.set(static_cast<float>(mean_cost_));
  plan.long_time.set(static_cast<float>(long_time()));
  plan.mean_predicted.set(requests_ > 0 ? static_cast<float>(work_ / requests_) : 0.0F);
  plan.slowness.set(static_cast<float>(slowness_));
  plan.sharing.set(static_cast<float>(sharing_));
  plan.price.set(static_cast<float>(price(mean_wait_)));
  plan.mean_wait.set(static_cast<float>(mean_wait_));
  plan.caution_exponent.set(static_cast<float>(caution_exponent_));
  plan.samples.set(samples_);
  const auto own = static_cast<float>((1 - sharing_) * double{kOwnShare}) / load::kUnitsPerSecond;
  const auto tie = static_cast<float>(double{kTieBreak} * mean_cost_);
  for (std::uint32_t q = 0; q < Plan::kTable; ++q) {
    Plan::Step& step = plan.steps[q];
    const auto n = static_cast<float>(q);
    step.wait.set(waits_[q]);
    step.ahead.set(q == 0 ? 0 : own * waits_[q] / n);
    step.tie.set(tie * n);
    step.caution.set(caution_[q]);
  }
}

}  // namespace leastwise
