#include "model/mixture.h"

#include <algorithm>
#include <cmath>

namespace leastwise {
namespace {

constexpr std::array<double, Mixture::kSlots> kPrior = {.2, .2, .2, .15, .1, .08, .07};
constexpr std::array<double, Mixture::kShares> kShare = {1, .5, .25};

constexpr double kForgetEvidence = 1 - 8e-4;  // per settling; 0.9999 per sample
constexpr float kForgetPool = 0.9995F;
constexpr float kForgetEndpoint = 1 - 1.0F / 1024;
constexpr double kDecaySeconds = 60;
constexpr double kPriorSeconds = 4;  // in mean costs
constexpr double kLeastSpread = 0.2;
constexpr double kFloor = 0.1;  // share of the prior in the posterior
constexpr std::uint32_t kPosteriorEvery = 64;
constexpr std::uint32_t kSettleEvery = 8;

double slots(std::size_t j) noexcept {
  return static_cast<double>(std::size_t{1} << j % Mixture::kSlots);
}

// Requests in front of each slot when q are in flight and c run.
double behind(double c, double q) noexcept { return std::max(0.0, (q + 1 - c) / c); }

}  // namespace

void Mixture::reset() noexcept {
  evidence_.fill(0);
  pool_work_.fill(0);
  product_.fill(1);
  surprise_.fill(0);
  samples_ = 0;
  update_posterior();
}

// p_j of each hypothesis.
void Mixture::predict(const Observation& o, Row& predicted) const noexcept {
  for (std::size_t c = 0; c < kSlots; ++c) {
    const double wait = behind(slots(c), o.q) * o.ahead;
    for (std::size_t a = 0; a < kShares; ++a) {
      predicted[a * kSlots + c] = static_cast<float>(o.slow_cost + kShare[a] * wait);
    }
  }
}

bool Mixture::add(Endpoint& endpoint, const Observation& o) noexcept {
  Row predicted;
  predict(o, predicted);
  const double elapsed = static_cast<std::int32_t>(o.ms - endpoint.ms) * 1e-3;
  const auto decay = elapsed > 0 ? static_cast<float>(std::exp(-elapsed / kDecaySeconds)) : 1.0F;
  const auto prior = static_cast<float>(kPriorSeconds * o.mean_cost);
  const auto took = static_cast<float>(o.took);
  const float delay = endpoint.delay * decay;
  const auto pool_delay = static_cast<float>(o.pool_delay);
  const auto per_mean_cost = static_cast<float>(1 / o.mean_cost);
  // One simple loop over floats, which the compiler makes four at a time.
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    const float pool = pool_delay / pool_work_[j];
    const float work = endpoint.work[j] * decay;
    const float shrunk = delay + prior * (pool_work_[j] > 0 ? pool : 1.0F);
    const float mean = shrunk / (work + prior) * predicted[j];
    product_[j] *= mean * per_mean_cost;
    surprise_[j] += took / mean;
    endpoint.work[j] = work * kForgetEndpoint + predicted[j];
    pool_work_[j] = pool_work_[j] * kForgetPool + predicted[j];
  }
  endpoint.delay = delay * kForgetEndpoint + took;
  endpoint.ms = o.ms;
  ++samples_;
  if (samples_ % kSettleEvery == 0) settle(1 / std::max(o.spread, kLeastSpread));
  if (samples_ % kPosteriorEvery != 0) return false;
  update_posterior();
  return true;
}

// Takes the last few answers into the evidence: log-likelihoods of exponentials with mean μ_j.
// Centred, since only differences matter.
void Mixture::settle(double weight) noexcept {
  double sum = 0;
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    const double log_means = double{std::log(product_[j])};
    evidence_[j] = evidence_[j] * kForgetEvidence - weight * (log_means + double{surprise_[j]});
    sum += evidence_[j];
  }
  for (double& e : evidence_) e -= sum / kHypotheses;
  product_.fill(1);
  surprise_.fill(0);
}

void Mixture::update_posterior() noexcept {
  const double most = *std::ranges::max_element(evidence_);
  probability_.fill(0);
  double total = 0;
  for (std::size_t j = 0; j < kHypotheses; ++j) {
    const double p = kPrior[j % kSlots] * std::exp(evidence_[j] - most);
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
