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
constexpr double kDoubt = 2;  // standard errors of chance, that are no difference yet

// Near ties cost a little where servers differ, so they need a pool that is known to be alike; but
// who gives weights expects shares by them, also of servers that differ by a tenth.
constexpr double kNear = 0.16;
constexpr double kNearHalf = 200;
constexpr double kNearWeighted = 0.2;
constexpr double kNearWeightedHalf = 50;

}  // namespace

void Prior::reset() noexcept { strength_ = kStart; }

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

void Prior::renew(const Sums& sums, double spread) noexcept {
  if (!(sums.weight_ > 0)) return;
  const double phi = std::max(kLeastSpread, spread);
  const double mean = sums.first_ / sums.weight_;
  const double chance = phi * mean * mean * sums.noise_ / sums.weight_;
  double between = sums.second_ / sums.weight_ - mean * mean - chance;
  if (sums.members_ > 1) between -= kDoubt * chance * std::sqrt(2 / (sums.members_ - 1));
  between /= mean * mean;
  const double strength = between > 0 ? std::clamp(phi / between, kLeast, kMost) : kMost;
  if (!std::isfinite(strength)) return;
  strength_ *= std::pow(strength / strength_, strength < strength_ ? kStepDown : kStepUp);
}

float Prior::near(bool has_weights) const noexcept {
  const double half = has_weights ? kNearWeightedHalf : kNearHalf;
  const double alike = strength_ / (strength_ + half);
  return static_cast<float>(has_weights ? kNearWeighted * alike : kNear * alike * alike * alike);
}

}  // namespace leastwise
