// Capacity: how many sessions a second a pool carries with nine first tokens of ten within a
// second.
#ifndef LEASTWISE_TESTS_SIM_INFERENCE_CAPACITY_H_
#define LEASTWISE_TESTS_SIM_INFERENCE_CAPACITY_H_

#include <functional>

namespace leastwise::sim {

// The rate from which on `p90` is above a second, to a hundredth of it. REQUIRES: `p90` grows with
// the rate, but for chance.
double capacity(double first_rate, const std::function<double(double rate)>& p90);

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_INFERENCE_CAPACITY_H_
