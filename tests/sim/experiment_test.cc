#include "experiment.h"

#include <gtest/gtest.h>

#include <cmath>

#include "random_suite.h"
#include "scenarios/catalogue.h"

namespace leastwise::sim {
namespace {

TEST(LatenciesTest, QuantilesAreExactToOnePercent) {
  Latencies l;
  for (int i = 1; i <= 1000; ++i) l.add(i);
  EXPECT_DOUBLE_EQ(l.mean(), 500.5);
  EXPECT_NEAR(l.quantile(0.5), 501, 5.01);
  EXPECT_NEAR(l.quantile(0.99), 991, 9.91);
  EXPECT_EQ(l.count(), 1000U);
}

TEST(LatenciesTest, EmptyIsZero) {
  EXPECT_EQ(Latencies().mean(), 0);
  EXPECT_EQ(Latencies().quantile(0.5), 0);
}

TEST(ExperimentTest, FiguresAreTheAverageOverSeeds) {
  const Figures both[] = {{1, 2, 3, 4, 0.1, 10}, {3, 4, 5, 6, 0.3, 30}};
  const Figures a = average(both);
  EXPECT_DOUBLE_EQ(a.mean, 2);
  EXPECT_DOUBLE_EQ(a.p999, 5);
  EXPECT_DOUBLE_EQ(a.error_share, 0.2);
  EXPECT_EQ(a.requests, 40U);
}

TEST(ExperimentTest, SharesAreTheWorstOfAllWindowsAndSeeds) {
  const Scenario scenario = random_scenario(1, 500);
  Result result;
  result.windows = {{100, 100, 100, 100}, {50, 150, 100, 100}};
  const Figures first = figures_of(scenario, result);
  EXPECT_DOUBLE_EQ(first.least_share, 0.5);
  EXPECT_DOUBLE_EQ(first.most_share, 1.5);
  result.windows = {{80, 100, 100, 120}, {0, 0, 0, 0}};  // nobody asked: nothing to share
  const Figures both[] = {first, figures_of(scenario, result)};
  EXPECT_DOUBLE_EQ(average(both).least_share, 0.5);
  EXPECT_DOUBLE_EQ(average(both).most_share, 1.5);
}

TEST(ExperimentTest, SeedsAreConsecutive) {
  const Row row = measure(random_scenario(1, 500), policy_named(kReference), 7, 2);
  EXPECT_EQ(row.seeds, (std::vector<std::uint64_t>{7, 8}));
  EXPECT_NE(row.by_seed[0].mean, row.by_seed[1].mean);
}

TEST(ExperimentTest, AnUnknownPolicyNamesTheKnownOnes) {
  try {
    policy_named("leest_conn");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("least_conn"), std::string::npos);
  }
}

TEST(ExperimentTest, DirectivesTuneAPolicy) {
  const Scenario scenario = random_scenario(1, 2000);
  const Row plain = measure(scenario, policy_named("weighted"), 1, 1);
  const Row tuned = measure(scenario, policy_named("weighted+demand=speed"), 1, 1);
  EXPECT_EQ(tuned.policy, "weighted+demand=speed");
  EXPECT_NE(plain.figures.mean, tuned.figures.mean);
  EXPECT_THROW(policy_named("weighted+demand=sped"), std::invalid_argument);
  EXPECT_THROW(policy_named("weighted+tuned"), std::invalid_argument);
}

Row row(const char* scenario, std::string_view policy, double mean) {
  Row r;
  r.scenario = scenario;
  r.policy = policy;
  r.figures = {mean, mean, mean, mean, 0, 1};
  return r;
}

TEST(RandomSuiteTest, SummarisesByGeometricMeanAndWorst) {
  const Row rows[] = {row("one", kReference, 10), row("one", "x", 5), row("two", kReference, 10),
                      row("two", "x", 20)};
  const auto summaries = summarise(rows);
  ASSERT_EQ(summaries.size(), 2U);
  EXPECT_DOUBLE_EQ(summaries[0].geometric_mean.mean, 1);
  EXPECT_DOUBLE_EQ(summaries[1].geometric_mean.mean, 1);  // sqrt(0.5 · 2)
  EXPECT_DOUBLE_EQ(summaries[1].worst.mean, 2);
  EXPECT_EQ(summaries[1].worst_mean_in, "two");
}

}  // namespace
}  // namespace leastwise::sim
