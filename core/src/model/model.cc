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
constexpr double kPatienceStep = 0.1;
constexpr double kRouteStep = 0.02;
constexpr double kSlowRouteStep = 0.001;
constexpr std::uint32_t kSlowRouteFrom = 8;
constexpr double kFamilyCounts = 16;  // as so many answers, for a route that is new
constexpr double kMostRouteSpread = 25;
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

// Damaged memory may hold any.
AnswerKind kind_of(const Answer& s) noexcept {
  return static_cast<AnswerKind>(s.kind < kAnswerKinds ? s.kind : 0);
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
  prior_.reset();
  mean_wait_ = 0;
  patience_ = 0;
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
  const bool waits = only_waits(sample, routes);
  if (waits) learn_wait(sample, routes, now_ms);
  learn_whole(sample.route, double{sample.whole}, routes);
  if (waits) {
    ++samples_;
    return;
  }
  ++endpoint.base.answers;
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
  if (s.whole > 0) learn_patience(s.whole);
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
  const float of_kind = routes.cost_of(static_cast<std::uint16_t>(s.route), kind_of(s));
  const double part = of_kind > 0 && costs.cost > 0 ? of_kind / double{costs.cost} : 1;
  const bool changed =
      mixture_.add(endpoint.mixture, {.took = std::min(double{s.took}, kMostSurprise * expected),
                                      .slow_cost = part * slow_cost,
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

// `own` is own_time(). What a route learns its family does too: from that the next one starts.
void Model::learn_route(const Answer& s, double own, Routes& routes, std::int64_t now_ms) noexcept {
  const auto slot = static_cast<std::uint16_t>(s.route);
  const std::uint16_t family = routes.family(slot);
  const double w = wait(s.in_flight);
  const Lesson lesson{.estimate = own - w * s.ahead, .own = own, .wait = w};
  Costs costs = routes.costs(slot);
  double prior = 0;
  if (family != Routes::kOther) {
    Costs of_family = routes.costs(family);
    if (!(costs.cost > 0)) costs = of_family;  // who claimed it died, or its pick came too early
    prior = kFamilyCounts;
    learn_costs(lesson, 0, family, of_family, routes, now_ms);
  }
  const double cost = std::max(learn_costs(lesson, prior, slot, costs, routes, now_ms), kLeastCost);
  const double of_kind = learn_kind(s, lesson, routes);
  learn_mean(cost);
  curve_.add(s.in_flight, own - of_kind, s.ahead);
}

// x̄, of which routes far dearer than the typical one are a bounded part.
void Model::learn_mean(double cost) noexcept {
  const double step = std::max(kMeanStep, 1.0 / static_cast<double>(samples_ + 1));
  const double typical = std::min(cost, typical_cost_ > 0 ? kTypicalCap * typical_cost_ : cost);
  typical_cost_ = std::max(kLeastCost, typical_cost_ + step * (typical - typical_cost_));
  const double bounded = std::min(cost, kMeanCap * typical_cost_);
  mean_cost_ = std::max(kLeastCost, mean_cost_ + kMeanStep * (bounded - mean_cost_));
}

// Returns the cost before it is bounded. `prior`: how many answers the first costs count as.
double Model::learn_costs(const Lesson& l, double prior, std::uint16_t slot, Costs& costs,
                          Routes& routes, std::int64_t now_ms) noexcept {
  const std::uint32_t count = routes.count(slot, now_ms);
  const double young = prior > 0 ? 1 / (count + prior) : 0;
  const double error = l.estimate - costs.cost;
  const double cost = costs.cost > 0
                          ? costs.cost + steadied(std::max(kRouteStep, young), l.wait) * error
                          : std::max(l.estimate, 0.2 * l.own);
  if (costs.cost > 0) {
    const double surprise = error / costs.cost;
    const double spread = routes.spread(slot);
    const double step = steadied(std::max(kRouteStep, 1.0 / count), l.wait);
    const double next = spread + step * (std::min(surprise * surprise, kMostRouteSpread) - spread);
    routes.set_spread(slot, static_cast<float>(next));
  }
  if (count == kSlowRouteFrom) {
    costs.slow = static_cast<float>(costs.cost);
  } else if (count > kSlowRouteFrom) {
    const double step = steadied(std::max(kSlowRouteStep, 1.0 / count), l.wait);
    costs.slow =
        static_cast<float>(std::max(kLeastCost, costs.slow + step * (l.estimate - costs.slow)));
  }
  costs.cost = static_cast<float>(std::max(cost, kLeastCost));
  routes.set_costs(slot, costs);
  return cost;
}

// The cost of this kind of answer, which is what a server that gives it is compared with.
double Model::learn_kind(const Answer& s, const Lesson& l, Routes& routes) noexcept {
  const auto slot = static_cast<std::uint16_t>(s.route);
  const AnswerKind kind = kind_of(s);
  const float known = routes.cost_of(slot, kind);
  const double cost = known > 0 ? known + steadied(kRouteStep, l.wait) * (l.estimate - known)
                                : std::max(l.estimate, 0.2 * l.own);
  if (known > 0) learn_sharing(s, l.own, cost, l.wait);
  const double bounded = std::max(cost, kLeastCost);
  routes.set_cost_of(slot, kind, static_cast<float>(bounded));
  if (kind == AnswerKind::kFull) {
    const double pace = routes.pace(slot);
    const double now = std::min(double{s.took} / s.predicted, kMostSurprise);
    routes.set_pace(slot, static_cast<float>(pace > 0 ? pace + kRouteStep * (now - pace) : now));
  }
  return bounded;
}

// The quantile by stochastic approximation (Robbins and Monro 1951), in steps that are parts of it:
// up by a tenth for one beyond, down by a thousandth for one within.
void Model::learn_patience(float took) noexcept {
  if (!(patience_ > 0)) {
    patience_ = took;
  } else {
    patience_ *= took > patience_ ? 1 + 0.99 * kPatienceStep : 1 - 0.01 * kPatienceStep;
  }
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
                     sharing_ + spread_ + mean_wait_ + patience_ + caution_exponent_ + wait(1) +
                     wait(100);
  return std::isfinite(sum) && mean_cost_ >= 0 && mean_cost_ < 1e6 && slowness_ > 0 &&
         slowness_ < 1e6 && sharing_ >= 0 && sharing_ <= 1 && mean_wait_ >= 0 && spread_ >= 0 &&
         patience_ >= 0 && wait(0) >= 0 && wait(1) >= 0 && wait(100) >= 0 && prior_.sane();
}

void Model::publish_prior(Plan& plan, bool has_weights) const noexcept {
  const auto put = [&](Plan::Anchor& anchor, double strength, double slowness) {
    anchor.work.set(static_cast<float>(strength * mean_cost_));
    anchor.delay.set(static_cast<float>(strength * mean_cost_ * slowness));
  };
  put(plan.others, prior_.strength(), slowness_);
  put(plan.alike, prior_.alike_strength(), prior_.alike_slowness(slowness_));
  const double centre = prior_.centre(slowness_);
  plan.centre.set(static_cast<float>(centre));
  plan.chance.set(static_cast<float>(Prior::chance(spread_) * centre * centre * mean_cost_));
  plan.reach.set(static_cast<float>(Prior::kReach * Prior::kReach * centre * centre));
  plan.prior.set(static_cast<float>(prior_.alike_strength()));
  plan.near.set(prior_.near(has_weights));
}

void Model::publish(Plan& plan, bool has_weights) noexcept {
  if (std::abs(caution(mean_wait_) - caution_exponent_) > kCautionStep) renew_caution();
  plan.learned.set(confirmed_ >= kEnough ? 1 : 0);
  plan.mean_cost.set(static_cast<float>(mean_cost_));
  plan.long_time.set(static_cast<float>(long_time()));
  plan.mean_predicted.set(requests_ > 0 ? static_cast<float>(work_ / requests_) : 0.0F);
  plan.slowness.set(static_cast<float>(slowness_));
  publish_prior(plan, has_weights);
  plan.weighted.set(has_weights ? 1 : 0);
  plan.sharing.set(static_cast<float>(sharing_));
  plan.price.set(static_cast<float>(price(mean_wait_)));
  plan.mean_wait.set(static_cast<float>(mean_wait_));
  plan.caution_exponent.set(static_cast<float>(caution_exponent_));
  plan.patience.set(static_cast<float>(patience_));
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
