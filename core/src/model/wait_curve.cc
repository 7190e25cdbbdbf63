#include "model/wait_curve.h"

#include <algorithm>
#include <cmath>

namespace leastwise {
namespace {

constexpr double kLinear = 12;  // up to here one point per request in flight
constexpr double kPerOctave = 4;
constexpr double kForget = 0.999;     // per sample of the bin
constexpr double kPriorSlope = 0.25;  // wait per request in flight before there is data
constexpr double kPriorWeight = 3;    // in mean costs
constexpr double kEnoughData = 8;     // in mean costs: below, a point is extended

// 0…11, then 12·2^((k-12+½)/4): the middle of each quarter of an octave.
constexpr WaitCurve::Points make_positions() noexcept {
  WaitCurve::Points q{};
  constexpr double kQuarter = 1.189207115002721;  // 2^(1/4)
  constexpr double kEighth = 1.0905077326652577;  // 2^(1/8)
  double next = kLinear * kEighth;
  for (std::size_t k = 0; k < WaitCurve::kPoints; ++k) {
    if (k < static_cast<std::size_t>(kLinear)) {
      q[k] = static_cast<double>(k);
    } else {
      q[k] = next;
      next *= kQuarter;
    }
  }
  return q;
}
constexpr WaitCurve::Points kPositions = make_positions();

struct Place {
  std::size_t point = 0;  // the last at or before it
  double part = 0;        // of the way to the next
};

constexpr Place place_of(double q) noexcept {
  std::size_t k = q < kLinear ? static_cast<std::size_t>(q) : static_cast<std::size_t>(kLinear) - 1;
  while (kPositions[k + 1] <= q) ++k;
  return {k, (q - kPositions[k]) / (kPositions[k + 1] - kPositions[k])};
}

constexpr double value_at(const WaitCurve::Points& points, Place place) noexcept {
  return points[place.point] * (1 - place.part) + points[place.point + 1] * place.part;
}

static_assert(kPositions.back() > Plan::kTable);
constexpr auto kWholePlaces = [] {
  std::array<Place, Plan::kTable> places;
  for (std::size_t q = 0; q < places.size(); ++q) places[q] = place_of(static_cast<double>(q));
  return places;
}();

}  // namespace

double WaitCurve::position(std::size_t point) noexcept { return kPositions[point]; }

std::size_t WaitCurve::bin(double q) noexcept {
  if (q < kLinear) return static_cast<std::size_t>(std::max(q, 0.0));
  const double k = kLinear + std::floor(kPerOctave * std::log2(q / kLinear));
  return std::min(kPoints - 1, static_cast<std::size_t>(k));
}

double WaitCurve::interpolate(const Points& points, double q) noexcept {
  constexpr std::size_t kLast = kPoints - 1;
  if (q >= kPositions[kLast]) return points[kLast] * q / kPositions[kLast];
  return value_at(points, place_of(q));
}

void WaitCurve::tabulate(const Points& points, std::span<float, Plan::kTable> table) noexcept {
  for (std::size_t q = 0; q < table.size(); ++q) {
    table[q] = static_cast<float>(value_at(points, kWholePlaces[q]));
  }
}

void WaitCurve::reset() noexcept {
  sum_wait_.fill(0);
  sum_ahead_.fill(0);
  for (std::size_t k = 0; k < kPoints; ++k) height_[k] = kPriorSlope * position(k);
}

void WaitCurve::add(double q, double wait, double ahead) noexcept {
  const std::size_t k = bin(q);
  sum_wait_[k] = sum_wait_[k] * kForget + wait;
  sum_ahead_[k] = sum_ahead_[k] * kForget + ahead;
}

void WaitCurve::fit(double mean_cost) noexcept {
  const double prior = kPriorWeight * mean_cost;
  Points value;
  Points weight;
  std::array<std::size_t, kPoints> length;
  std::size_t blocks = 0;
  for (std::size_t k = 0; k < kPoints; ++k) {
    weight[blocks] = sum_ahead_[k] + prior;
    value[blocks] = (sum_wait_[k] + prior * kPriorSlope * position(k)) / weight[blocks];
    length[blocks] = 1;
    ++blocks;
    while (blocks > 1 && value[blocks - 2] > value[blocks - 1]) {
      const std::size_t a = blocks - 2;
      const std::size_t b = blocks - 1;
      value[a] = (value[a] * weight[a] + value[b] * weight[b]) / (weight[a] + weight[b]);
      weight[a] += weight[b];
      length[a] += length[b];
      --blocks;
    }
  }
  std::size_t k = 0;
  for (std::size_t block = 0; block < blocks; ++block) {
    for (std::size_t i = 0; i < length[block]; ++i) height_[k++] = value[block];
  }
  const double intercept = height_[0];
  for (double& h : height_) h = std::max(0.0, h - intercept);
  extend(mean_cost);
}

void WaitCurve::extend(double mean_cost) noexcept {
  std::size_t last = 0;
  for (std::size_t k = 0; k < kPoints; ++k) {
    if (sum_ahead_[k] > kEnoughData * mean_cost) last = k;
  }
  double slope = kPriorSlope;
  if (last > 0) slope = std::max(height_[last] / std::max(1.0, position(last)), 0.02);
  if (last > 1) {
    const double run = position(last) - position(last / 2);
    slope = std::max(slope, (height_[last] - height_[last / 2]) / (run + 1e-9));
  }
  for (std::size_t k = last + 1; k < kPoints; ++k) {
    height_[k] = std::max(height_[k], height_[last] + (position(k) - position(last)) * slope);
  }
}

}  // namespace leastwise
