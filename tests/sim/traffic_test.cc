#include "engine/traffic.h"

#include <gtest/gtest.h>

#include <cmath>

namespace leastwise::sim {
namespace {

constexpr int kDraws = 200000;

double mean_size(const Route& route) {
  Scenario s;
  s.routes = {route};
  Traffic traffic(s, 1);
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) sum += traffic.draw().size;
  return sum / kDraws;
}

// Standard errors of the mean are sigma / sqrt(200000); tolerances are four of them.
TEST(TrafficTest, SizesHaveTheirMean) {
  EXPECT_NEAR(mean_size({1, 10, Size::kExponential, 0}), 10, 4 * 10 / std::sqrt(kDraws));
  EXPECT_NEAR(mean_size({1, 10, Size::kLognormal, 0.5}), 10, 4 * 5.33 / std::sqrt(kDraws));
  EXPECT_NEAR(mean_size({1, 10, Size::kBimodal, 0}), 10, 4 * 15 / std::sqrt(kDraws));
  EXPECT_DOUBLE_EQ(mean_size({1, 10, Size::kFixed, 0}), 10);
}

TEST(TrafficTest, ParetoIsCapped) {
  // The least is 10/3; the mean lost to the cap at 2000 is ∫(x-2000)dF = (10/3)^1.5·2·2000^-.5.
  const double lost = std::pow(10.0 / 3, 1.5) * 2 / std::sqrt(2000);
  // Its variance is about 3·(10/3)^1.5·2000^.5 = 816.
  EXPECT_NEAR(mean_size({1, 10, Size::kPareto, 1.5}), 10 - lost, 4 * 28.6 / std::sqrt(kDraws));
}

TEST(TrafficTest, RoutesHaveTheirShares) {
  Scenario s;
  s.routes = {{3, 1, Size::kFixed, 0}, {1, 5, Size::kFixed, 0}};
  EXPECT_DOUBLE_EQ(mean_service_ms(s), 2);
  Traffic traffic(s, 1);
  int second = 0;
  for (int i = 0; i < kDraws; ++i) second += static_cast<int>(traffic.draw().route);
  // Four standard errors of a share of a quarter.
  EXPECT_NEAR(second / double{kDraws}, 0.25, 4 * std::sqrt(0.25 * 0.75 / kDraws));
}

double rate(Scenario s, double factor) {
  Traffic traffic(s, 8);
  traffic.modulate(factor);
  double now = 0;
  for (int i = 0; i < kDraws; ++i) now = traffic.next(now).value();
  return kDraws / now;
}

TEST(TrafficTest, TheRateIsTheLoadOfTheCapacity) {
  Scenario s;  // 0.7 of 8 per ms, 10 ms each: 0.56 per ms
  EXPECT_NEAR(rate(s, 1), 0.56, 4 * 0.56 / std::sqrt(kDraws));
  EXPECT_NEAR(rate(s, 2), 1.12, 4 * 1.12 / std::sqrt(kDraws));
  // Antagonists that take half of it a quarter of the time leave 7/8.
  s.antagonists = {1000, 3000, 0.3, 0.7};
  EXPECT_NEAR(rate(s, 1), 0.49, 4 * 0.49 / std::sqrt(kDraws));
}

TEST(TrafficTest, PlaysATraceAndEnds) {
  Scenario s;
  s.routes.resize(2);
  s.trace =
      std::make_shared<std::vector<TraceEntry>>(std::vector<TraceEntry>{{0, 1, 5}, {3, 0, 7}});
  Traffic traffic(s, 1);
  EXPECT_EQ(traffic.next(0), 0);
  EXPECT_EQ(traffic.draw().route, 1U);
  EXPECT_EQ(traffic.next(0), 3);
  EXPECT_EQ(traffic.draw().size, 7);
  EXPECT_EQ(traffic.next(3), std::nullopt);
}

}  // namespace
}  // namespace leastwise::sim
