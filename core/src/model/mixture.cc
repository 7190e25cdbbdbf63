#include "model/mixture.h"

#include <algorithm>
#include <cmath>

namespace leastwise {
namespace {

constexpr std::array<double, Mixture::kSlots> kPrior = {.2, .2, .2, .15, .1, .08, .07};
constexpr std::array<double, Mixture::kShares> kShare = {1, .5, .25};

constexpr double kForgetEvidence = 0.9999;  // per sample
constexpr double kForgetPool = 0.9995;
constexpr double kForgetEndpoint = 1 - 1.0 / 1024;
constexpr double kDecaySeconds = 60;
constexpr double kPriorSeconds = 4;  // in mean costs
constexpr double kMostSurprise = 6;  // L'/μ counts up to here
constexpr double kLeastSpread = 0.2;
constexpr double kFloor = 0.1;  // share of the prior in the posterior
constexpr std::uint32_t kPosteriorEvery = 64;

double slots(std::size_t j) noexcept {
  return static_cast<double>(std::size_t{1} << j % Mixture::kSlots);
}
double share(std::size_t j) noexcept { return kShare[j / Mixture::kSlots]; }

// Requests in front of each slot when q are in flight and c run.
double behind(double c, double q) noexcept { return std::max(0.0, (q + 1 - c) / c); }

}  // namespace

void Mixture::reset() noexcept {
  evidence_.fill(0);
  pool_work_.fill(0);
  samples_ = 0;
  update_posterior();
}

bool Mixture::add(Endpoint& endpoint, const Observation& o) noexcept {
  const double elapsed = static_cast<std::int32_t>(o.ms - endpoint.ms) * 1e-3;
  const double decay = elapsed > 0 ? std::exp(-elapsed / kDecaySeconds) : 1;
  const double prior = kPriorSeconds * o.mean_cost;
  const double weight = 1 / std::max(o.spread, kLeastSpread);
  const double delay = endpoint.delay * decay;
  double sum = 0;
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    const double predicted = o.slow_cost + share(j) * behind(slots(j), o.q) * o.ahead;
    const double pool = pool_work_[j] > 0 ? o.pool_delay / pool_work_[j] : 1;
    const double work = endpoint.work[j] * decay;
    const double mean = (delay + prior * pool) / (work + prior) * predicted;
    // Log-likelihood of an exponential with that mean; outliers count up to a bound.
    const double surprise = std::min(o.took / mean, kMostSurprise);
    evidence_[j] = evidence_[j] * kForgetEvidence +
                   weight * (-double{std::log(static_cast<float>(mean))} - surprise);
    sum += evidence_[j];
    endpoint.work[j] = static_cast<float>(work * kForgetEndpoint + predicted);
    pool_work_[j] = pool_work_[j] * kForgetPool + predicted;
  }
  for (double& e : evidence_) e -= sum / kHypotheses;
  endpoint.delay = static_cast<float>(delay * kForgetEndpoint + o.took);
  endpoint.ms = o.ms;
  if (++samples_ % kPosteriorEvery != 0) return false;
  update_posterior();
  return true;
}

void Mixture::update_posterior() noexcept {
  double most = -1e300;
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    most = std::max(most, std::log(kPrior[j % kSlots]) + evidence_[j]);
  }
  probability_.fill(0);
  double total = 0;
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    const double p = std::exp(std::log(kPrior[j % kSlots]) + evidence_[j] - most);
    probability_[j % kSlots] += p;
    total += p;
  }
  curve_.fill(0);
  for (std::size_t c = 0; c < kSlots; ++c) {
    probability_[c] = (1 - kFloor) * probability_[c] / total + kFloor * kPrior[c];
    for (std::size_t k = 0; k < WaitCurve::kPoints; ++k) {
      curve_[k] += probability_[c] * behind(slots(c), WaitCurve::position(k));
    }
  }
}

}  // namespace leastwise
