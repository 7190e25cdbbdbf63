// Wait curve: how long a request waits behind those in flight, learned from the pool.
#ifndef LEASTWISE_SRC_MODEL_WAIT_CURVE_H_
#define LEASTWISE_SRC_MODEL_WAIT_CURVE_H_

#include <array>
#include <cstddef>
#include <span>

#include "words/plan.h"

namespace leastwise {

// w(q): with q requests in flight at the pick, the wait in units of the mean cost of a
// request in front. 28 points, at q = 0…11 and then four to a factor of two.
//
// Written by the holder of the tick only. All-zero memory must be reset() before use.
class WaitCurve {
 public:
  static constexpr std::size_t kPoints = 28;
  using Points = std::array<double, kPoints>;

  void reset() noexcept;

  // A request that took `wait` seconds more than its own cost, behind q others of mean
  // cost `ahead`; x̄ is the pool's mean cost.
  void add(double q, double wait, double ahead) noexcept;

  // Isotonic regression by pooling adjacent violators (Barlow et al. 1972), with a prior
  // of a quarter of a request's wait for each in flight; then the intercept is taken off
  // and points without data are extended in a line.
  void fit(double mean_cost) noexcept;

  const Points& points() const noexcept { return height_; }
  double at(double q) const noexcept { return interpolate(height_, q); }

  static double position(std::size_t point) noexcept;  // its q
  // Linear between the points, and beyond the last a line through the origin.
  static double interpolate(const Points& points, double q) noexcept;
  // The same at q = 0, 1, 2 …, without a search.
  static void tabulate(const Points& points, std::span<float, Plan::kTable> table) noexcept;

 private:
  static std::size_t bin(double q) noexcept;
  void extend(double mean_cost) noexcept;

  Points sum_wait_;
  Points sum_ahead_;
  Points height_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MODEL_WAIT_CURVE_H_
