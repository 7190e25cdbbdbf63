// Mixture: how many requests a server runs at once, as a Bayesian mixture.
#ifndef LEASTWISE_SRC_MODEL_MIXTURE_H_
#define LEASTWISE_SRC_MODEL_MIXTURE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/wait_curve.h"

namespace leastwise {

// Hypothesis j = (c, a): c slots, and a share a of the textbook wait (without the grid
// over a, processor sharing looks like two slots). Under it a request behind q others
// waits a·f_c(q) of the mean cost in front, f_c(q) = max(0, (q+1-c)/c).
//
// Evidence is pooled over the endpoints: kept per endpoint, slots and speed trade off
// and lock in. Each endpoint keeps its own slowness under each hypothesis, though.
//
// Written by the holder of the tick only. All-zero memory must be reset() before use.
class Mixture {
 public:
  static constexpr std::size_t kSlots = 7;   // 1, 2, 4 … 64
  static constexpr std::size_t kShares = 3;  // 1, 1/2, 1/4
  static constexpr std::size_t kHypotheses = kSlots * kShares;

  // Of one endpoint; all-zero = unknown. Floats: 100 bytes each, thousands of endpoints.
  struct Endpoint {
    float delay = 0;                        // A₂
    std::array<float, kHypotheses> work{};  // B_j
    std::uint32_t ms = 0;                   // when they were last decayed to
  };

  struct Observation {
    double took;       // L', seconds; an outlier is to be clipped alike for all hypotheses
    double slow_cost;  // x_r'
    double ahead;      // m'
    double q;
    double mean_cost;   // x̄
    double pool_delay;  // pA
    double spread;      // φ
    std::uint32_t ms;
  };

  void reset() noexcept;
  // True when the curve has changed.
  bool add(Endpoint& endpoint, const Observation& o) noexcept;

  // The posterior mean of f_c(q), at the points of WaitCurve.
  const WaitCurve::Points& curve() const noexcept { return curve_; }
  // Probability of `1 << slot` slots.
  double probability(std::size_t slot) const noexcept { return probability_[slot]; }

 private:
  using Row = std::array<float, kHypotheses>;

  void predict(const Observation& o, Row& predicted) const noexcept;
  void settle(double weight) noexcept;
  void update_posterior() noexcept;

  std::array<double, kHypotheses> evidence_;  // log-likelihoods
  Row pool_work_;                             // pB_j
  // Since the last settling: logarithms are dear, so one is taken of a product of means.
  Row product_;   // of μ_j/x̄
  Row surprise_;  // sum of L'/μ_j
  std::array<double, kSlots> probability_;
  WaitCurve::Points curve_;
  std::uint32_t samples_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_MIXTURE_H_
