#include "sim/inference/capacity.h"

namespace leastwise::sim {

double capacity(double first_rate, const std::function<double(double rate)>& p90) {
  constexpr double kMost = 1, kStep = 1.25, kNear = 1.01;
  double low = first_rate, high = first_rate;
  if (p90(low) <= kMost) {
    while (p90(high *= kStep) <= kMost) low = high;
  } else {
    while (p90(low /= kStep) > kMost) high = low;
  }
  while (high > low * kNear) {
    const double middle = (low + high) / 2;
    (p90(middle) <= kMost ? low : high) = middle;
  }
  return low;
}

}  // namespace leastwise::sim
