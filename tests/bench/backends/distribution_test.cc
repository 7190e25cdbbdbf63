#include "bench/backends/distribution.h"

#include <gtest/gtest.h>

#include <cmath>

namespace leastwise::bench {
namespace {

// Mean over a grid of u, which for a smooth inverse is the integral to about 1/n.
template <class F>
double mean_over_u(F value) {
  constexpr int kPoints = 1'000'000;
  double sum = 0;
  for (int i = 0; i < kPoints; ++i) sum += value((i + 0.5) / kPoints);
  return sum / kPoints;
}

double mean(Distribution distribution, double sigma) {
  return mean_over_u([&](double u) { return multiple_of_mean(distribution, sigma, u); });
}

double mean_square(Distribution distribution, double sigma) {
  return mean_over_u([&](double u) {
    const double x = multiple_of_mean(distribution, sigma, u);
    return x * x;
  });
}

TEST(Distribution, EachHasMeanOne) {
  EXPECT_NEAR(mean(Distribution::kConst, 1), 1, 1e-9);
  EXPECT_NEAR(mean(Distribution::kUniform, 1), 1, 1e-6);
  EXPECT_NEAR(mean(Distribution::kExponential, 1), 1, 1e-4);
  EXPECT_NEAR(mean(Distribution::kLognormal, 1), 1, 1e-3);
}

// E[X^2] of mean 1: uniform on [0,2] 4/3, exponential 2, lognormal exp(sigma^2).
TEST(Distribution, EachHasTheSecondMomentOfItsTheory) {
  EXPECT_NEAR(mean_square(Distribution::kUniform, 1), 4.0 / 3, 1e-6);
  EXPECT_NEAR(mean_square(Distribution::kExponential, 1), 2, 2e-3);
  EXPECT_NEAR(mean_square(Distribution::kLognormal, 0.5), std::exp(0.25), 1e-3);
}

TEST(Distribution, TheQuantileInvertsTheNormalDistribution) {
  for (const double p : {1e-9, 1e-4, 0.02, 0.03, 0.5, 0.9, 0.98, 0.9999}) {
    const double back = 0.5 * std::erfc(-normal_quantile(p) / std::sqrt(2.0));
    EXPECT_NEAR(back / p, 1, 1e-7) << p;
  }
}

TEST(Distribution, GrowsWithUSoThatDemandsAreComparable) {
  for (const auto kind :
       {Distribution::kUniform, Distribution::kExponential, Distribution::kLognormal}) {
    double before = -1;
    for (int i = 0; i < 1000; ++i) {
      const double value = multiple_of_mean(kind, 1, i / 1000.0);
      EXPECT_GT(value, before);
      before = value;
    }
  }
}

TEST(Distribution, ItsEndsAreFinite) {
  EXPECT_TRUE(std::isfinite(multiple_of_mean(Distribution::kExponential, 1, 1.0)));
  EXPECT_TRUE(std::isfinite(multiple_of_mean(Distribution::kLognormal, 4, 1.0)));
  EXPECT_GE(multiple_of_mean(Distribution::kLognormal, 4, 0.0), 0);
}

TEST(Distribution, HasOnlyTheNamesItSays) {
  EXPECT_EQ(distribution_named("lognormal"), Distribution::kLognormal);
  EXPECT_EQ(distribution_named("normal"), std::nullopt);
}

}  // namespace
}  // namespace leastwise::bench
