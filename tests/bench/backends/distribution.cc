#include "bench/backends/distribution.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace leastwise::bench {
namespace {

// Beyond this an exponential time would exceed 23 means: once in 10^10 requests.
constexpr double kLargestU = 1 - 1e-10;

template <std::size_t N>
double polynomial(const std::array<double, N>& coefficients, double x) noexcept {
  double result = 0;
  for (const double c : coefficients) result = result * x + c;
  return result;
}

// P. J. Acklam's rational approximation, relative error 1.15e-9.
double acklam_lower_half(double p) noexcept {
  constexpr double kTail = 0.02425;
  if (p < kTail) {
    constexpr std::array kUp{-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                             -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
    constexpr std::array kDown{7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00, 1.0};
    const double q = std::sqrt(-2 * std::log(p));
    return polynomial(kUp, q) / polynomial(kDown, q);
  }
  constexpr std::array kUp{-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                           1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr std::array kDown{-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                             6.680131188771972e+01,  -1.328068155288572e+01, 1.0};
  const double q = p - 0.5;
  return polynomial(kUp, q * q) * q / polynomial(kDown, q * q);
}

}  // namespace

std::optional<Distribution> distribution_named(std::string_view name) noexcept {
  if (name == "const") return Distribution::kConst;
  if (name == "exp") return Distribution::kExponential;
  if (name == "lognormal") return Distribution::kLognormal;
  if (name == "uniform") return Distribution::kUniform;
  return std::nullopt;
}

double normal_quantile(double p) noexcept {
  p = std::clamp(p, 1e-12, 1 - 1e-12);
  return p < 0.5 ? acklam_lower_half(p) : -acklam_lower_half(1 - p);
}

double multiple_of_mean(Distribution distribution, double sigma, double u) noexcept {
  u = std::clamp(u, 0.0, kLargestU);
  switch (distribution) {
    case Distribution::kConst:
      return 1;
    case Distribution::kExponential:
      return -std::log1p(-u);
    case Distribution::kLognormal:
      return std::exp(sigma * normal_quantile(u) - sigma * sigma / 2);
    case Distribution::kUniform:
      return 2 * u;
  }
  return 1;
}

}  // namespace leastwise::bench
