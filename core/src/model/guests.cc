#include "model/guests.h"

#include <algorithm>
#include <cmath>

namespace leastwise {
namespace {

constexpr float kForget = 0.9995F;     // per answer
constexpr float kMostLost = 6;         // of the evidence for any hypothesis, by one answer
constexpr float kMostEvidence = 60;    // so that what has changed is seen within some answers
constexpr float kMostScale = 8;        // what a hypothesis may be off by on the whole
constexpr double kPriorCosts = 4;      // in mean costs
constexpr double kMostSurprise = 256;  // of an answer, times its cost
constexpr double kLeastSpread = 0.5;
constexpr double kMostSpread = 4;

}  // namespace

void Guests::predict(const Observation& o, Account& predicted) noexcept {
  const auto behind = [](double c, double q) noexcept { return std::max(0.0, (q + 1 - c) / c); };
  for (std::size_t j = 0; j < kSlots; ++j) {
    const auto c = static_cast<double>(std::size_t{1} << j);
    const double without = behind(c, o.without);
    const double with = behind(c, o.with);
    predicted[j] = static_cast<float>(o.cost + without * o.ahead_without);
    predicted[kSlots + j] = static_cast<float>(o.cost + without * o.cost);
    predicted[kServers + j] = static_cast<float>(o.cost + with * o.ahead_with);
    predicted[kServers + kSlots + j] = static_cast<float>(o.cost + with * o.cost);
  }
}

// Log-likelihoods of exponentials, as of the Mixture; each hypothesis has its own scale.
void Guests::add(std::size_t route, const Observation& o) noexcept {
  Row& row = rows_[route];
  Account predicted;
  predict(o, predicted);
  const auto took = static_cast<float>(std::min(o.took, kMostSurprise * o.cost));
  const auto prior = static_cast<float>(kPriorCosts * o.mean_cost);
  const auto weight = static_cast<float>(1 / std::clamp(o.spread, kLeastSpread, kMostSpread));
  Account gain;
  float best = -1e30F;
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    const float scale = (row.delay + prior) / (row.work[j] + prior);
    const float mean = std::clamp(scale, 1 / kMostScale, kMostScale) * predicted[j];
    gain[j] = -weight * (std::log(mean) + took / mean);
    best = std::max(best, gain[j]);
    row.work[j] = row.work[j] * kForget + predicted[j];
  }
  row.delay = row.delay * kForget + took;
  float most = -1e30F;
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    row.evidence[j] = row.evidence[j] * kForget + std::max(gain[j] - best, -kMostLost);
    most = std::max(most, row.evidence[j]);
  }
  for (float& e : row.evidence) e = std::max(e - most, -kMostEvidence);
  if (!(std::isfinite(row.delay) && std::isfinite(most))) row = {};
}

double Guests::odds(std::size_t route) const noexcept {
  const Row& row = rows_[route];
  double without = 0;
  double with = 0;
  for (std::size_t j = 0; j < kServers; ++j) {
    without += double{std::exp(row.evidence[j])};
    with += double{std::exp(row.evidence[kServers + j])};
  }
  return std::log(with / without);
}

}  // namespace leastwise
