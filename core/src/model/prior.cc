#include "model/prior.h"

#include <algorithm>
#include <cmath>

namespace leastwise {
namespace {

constexpr double kStart = 4;  // answers are believed at once until it is known how servers differ
constexpr double kLeast = 4;
constexpr double kMost = 1000;
// Of the logarithm, with each tick: that one differs is believed sooner than that all are alike.
constexpr double kStepUp = 0.2;
constexpr double kStepDown = 0.3;
constexpr double kFewest = 2;  // answers of an endpoint that takes part
constexpr double kSure = 64;   // answers, above which an endpoint has no more say
// Weights that fade: their mean is as sure as that of up to twice as many answers that count whole.
constexpr double kFading = 128;
constexpr double kLeastSpread = 0.2;
constexpr double kDoubt = 2;      // standard errors of chance, that are no difference yet,
constexpr double kMoreDoubt = 1;  // and of many endpoints: one of them is often far off
constexpr double kManyMore = 4;   // so many more than two
constexpr double kApart = 2.5;    // standard errors, that make an endpoint one of the others

// Near ties cost a little where servers differ, so they need a pool that is known to be alike; but
// who gives weights expects shares by them, also of servers that differ by a tenth.
constexpr double kAlikeHalf = 200;
constexpr double kAlikePower = 6;  // below a K of 200 or so nobody counts as alike
constexpr double kNear = 0.0926;
constexpr double kNearWeighted = 0.2;
constexpr double kNearWeightedHalf = 50;
// The first answers come cold, and those of the heaviest first: until the endpoints were compared
// so many times, all go by weight but who is twice as slow or more.
constexpr double kManyLooks = 20;
constexpr double kNearAtFirst = 1;

double doubt(double members) noexcept {
  return kDoubt + kMoreDoubt * std::clamp((members - 2) / kManyMore, 0.0, 1.0);
}

void step(double& strength, double to) noexcept {
  if (!std::isfinite(to) || !(to > 0)) return;
  strength *= std::pow(to / strength, to < strength ? kStepDown : kStepUp);
}

}  // namespace

void Prior::reset() noexcept {
  strength_ = kStart;
  group_strength_ = kStart;
  centre_ = 0;
  looks_ = 0;
}

void Prior::Sums::add(double slowness, double answers) noexcept {
  if (!(answers >= kFewest) || !(slowness > 0)) return;
  const double independent = answers * (1 + std::min(1.0, answers / kFading));
  const double weight = std::min(independent, kSure);
  members_ += 1;
  weight_ += weight;
  first_ += weight * slowness;
  second_ += weight * slowness * slowness;
  noise_ += weight / independent;
}

double Prior::Sums::strength(double spread) const noexcept {
  if (!(weight_ > 0)) return 0;
  const double phi = std::max(kLeastSpread, spread);
  const double square = mean() * mean();
  const double chance = phi * square * noise_ / weight_;
  double between = second_ / weight_ - square - chance;
  if (members_ > 1) between -= doubt(members_) * chance * std::sqrt(2 / (members_ - 1));
  between /= square;
  return between > 0 ? std::clamp(phi / between, kLeast, kMost) : kMost;
}

void Prior::renew(const Sums& all, const Sums& alike, double spread) noexcept {
  // All are down, or a process that has just begun does not know yet that they are up.
  if (all.members_ == 0) return;
  if (all.members_ >= 2) looks_ = std::min(looks_ + 1, kManyLooks);
  step(strength_, all.strength(spread));
  const bool is_group = alike.members_ >= 2;
  centre_ = is_group ? alike.mean() : 0;
  step(group_strength_, is_group ? alike.strength(spread) : strength_);
}

double Prior::alike() const noexcept {
  const double strength = std::max(group_strength_, strength_);
  return std::pow(strength / (strength + kAlikeHalf) * (kMost + kAlikeHalf) / kMost, kAlikePower);
}

double Prior::alike_strength() const noexcept {
  return strength_ + alike() * std::max(0.0, group_strength_ - strength_);
}

double Prior::alike_slowness(double slowness) const noexcept {
  return slowness + alike() * (centre(slowness) - slowness);
}

double Prior::chance(double spread) noexcept {
  return kApart * kApart * std::max(kLeastSpread, spread);
}

float Prior::near(bool has_weights) const noexcept {
  const double strength = std::max(group_strength_, strength_);
  const double weighted = kNearWeighted * strength / (strength + kNearWeightedHalf) +
                          kNearAtFirst * (1 - looks_ / kManyLooks);
  return static_cast<float>(has_weights ? weighted : kNear * alike());
}

bool Prior::sane() const noexcept {
  return strength_ > 0 && strength_ < 1e6 && group_strength_ > 0 && group_strength_ < 1e6 &&
         centre_ >= 0 && centre_ < 1e6 && looks_ >= 0 && looks_ <= kManyLooks;
}

}  // namespace leastwise
