#include "bench/load/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace leastwise::bench {
namespace {

std::vector<double> all(ArrivalPlan plan) {
  Arrivals arrivals(std::move(plan));
  std::vector<double> times;
  while (const auto at = arrivals.next()) times.push_back(to_seconds(*at));
  return times;
}

ArrivalPlan at_rate(double rate, double seconds) {
  ArrivalPlan plan;
  plan.phases = {{Duration::zero(), rate}};
  plan.end = from_seconds(seconds);
  return plan;
}

// A Poisson process has gaps whose mean is 1/rate and whose standard deviation is the same.
// n = 10^6: both have standard errors of 0.1-0.14 %; the bound of 1 % is 7 of them.
TEST(Arrivals, GapsArePoisson) {
  const auto times = all(at_rate(1000, 1000));
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    const double gap = (times[i] - times[i - 1]) * 1000;
    sum += gap;
    squares += gap * gap;
  }
  const double n = static_cast<double>(times.size() - 1);
  EXPECT_NEAR(sum / n, 1, 0.01);
  EXPECT_NEAR(std::sqrt(squares / n - sum / n * (sum / n)), 1, 0.01);
}

TEST(Arrivals, AreAscendingAndEndBeforeTheEnd) {
  const auto times = all(at_rate(1000, 10));
  for (std::size_t i = 1; i < times.size(); ++i) ASSERT_GE(times[i], times[i - 1]);
  EXPECT_LT(times.back(), 10);
}

TEST(Arrivals, TheSameSeedGivesTheSameTimesAndAnotherDoesNot) {
  ArrivalPlan plan = at_rate(100, 10);
  const auto first = all(plan);
  EXPECT_EQ(all(plan), first);
  plan.seed = 2;
  EXPECT_NE(all(plan), first);
}

TEST(Arrivals, ASteadyBeatIsSteady) {
  ArrivalPlan plan = at_rate(10, 0.95);
  plan.is_steady = true;
  const auto times = all(plan);
  ASSERT_EQ(times.size(), 9U);  // at 0.1 ... 0.9
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_NEAR(times[i], 0.1 * static_cast<double>(i + 1), 1e-8);
  }
}

// Expected 1000, 0 and 4000; bounds are 5 standard deviations of a Poisson count.
TEST(Arrivals, EachPhaseHasItsRateAndAPauseHasNone) {
  ArrivalPlan plan = at_rate(0, 30);
  plan.phases = {{Duration::zero(), 100}, {from_seconds(10), 0}, {from_seconds(20), 400}};
  const auto times = all(plan);
  const auto between = [&](double from, double to) {
    return static_cast<double>(
        std::count_if(times.begin(), times.end(), [&](double t) { return t >= from && t < to; }));
  };
  EXPECT_NEAR(between(0, 10), 1000, 158);
  EXPECT_EQ(between(10, 20), 0);
  EXPECT_NEAR(between(20, 30), 4000, 316);
}

TEST(Arrivals, BurstsComeAtTheirTimeAndShiftNothing) {
  ArrivalPlan plan = at_rate(100, 10);
  const auto without = all(plan);
  plan.bursts = {{from_seconds(3), 50}, {from_seconds(3), 1}, {from_seconds(11), 9}};
  auto with = all(plan);
  EXPECT_EQ(std::count(with.begin(), with.end(), 3.0), 51);
  std::erase(with, 3.0);
  EXPECT_EQ(with, without);
}

}  // namespace
}  // namespace leastwise::bench
