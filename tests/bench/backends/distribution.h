// Service times as multiples of their mean, by inversion of the distribution function.
//
// Inversion (one uniform number, one result, monotone) is what makes common random numbers work:
// request i is as long relative to its mean on every server and under every balancer.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_DISTRIBUTION_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_DISTRIBUTION_H_

#include <optional>
#include <string_view>

namespace leastwise::bench {

enum class Distribution { kConst, kExponential, kLognormal, kUniform };

inline constexpr std::string_view kDistributionNames = "const, exp, lognormal or uniform";

std::optional<Distribution> distribution_named(std::string_view name) noexcept;

// Mean 1 over u in [0, 1); values outside are clamped. `sigma` is the standard deviation of the
// logarithm and counts for lognormal only.
double multiple_of_mean(Distribution distribution, double sigma, double u) noexcept;

// The standard normal quantile, absolute error below 1e-8 for p from 1e-12 to 1 - 1e-12.
double normal_quantile(double p) noexcept;

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_DISTRIBUTION_H_
