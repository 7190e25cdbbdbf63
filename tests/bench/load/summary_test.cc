#include "bench/load/summary.h"

#include <gtest/gtest.h>

#include <vector>

namespace leastwise::bench {
namespace {

bool all(const Sample& /*sample*/) { return true; }

Sample sample_of(double latency_ms, Outcome outcome, std::uint16_t status = 0) {
  Sample sample;
  sample.latency = from_ms(latency_ms);
  sample.outcome = outcome;
  sample.status = status;
  return sample;
}

TEST(Percentile, IsTheNearestRank) {
  std::vector<Duration> sorted;
  for (int i = 1; i <= 100; ++i) sorted.push_back(from_ms(i));
  EXPECT_EQ(percentile(sorted, 0.5), from_ms(50));
  EXPECT_EQ(percentile(sorted, 0.99), from_ms(99));
  EXPECT_EQ(percentile(sorted, 0.991), from_ms(100));
  EXPECT_EQ(percentile(sorted, 1), from_ms(100));
  EXPECT_EQ(percentile(sorted, 0), from_ms(1));
  EXPECT_EQ(percentile({}, 0.5), Duration::zero());
}

TEST(Summary, FailedAreConnectionErrorsTimeoutsAndStatusesFrom500) {
  const std::vector<Sample> samples{
      sample_of(1, Outcome::kAnswered, 200), sample_of(1, Outcome::kAnswered, 404),
      sample_of(1, Outcome::kAnswered, 502), sample_of(1, Outcome::kTruncated),
      sample_of(1, Outcome::kTruncated),     sample_of(1, Outcome::kRefused),
      sample_of(1, Outcome::kTimeout)};
  const Summary summary = summarise(samples, all);
  EXPECT_EQ(summary.requests, 7U);
  EXPECT_EQ(summary.failed(), 5U);
  EXPECT_EQ(summary.connection_errors, 3U);
  EXPECT_EQ(summary.timeouts, 1U);
  EXPECT_EQ(summary.status_5xx, 1U);
  EXPECT_EQ(summary.errors.at(Outcome::kTruncated), 2U);
  EXPECT_EQ(summary.statuses.at(404), 1U);
}

TEST(Summary, WhatWeAbortedHasNoLatencyAndDidNotFail) {
  const Summary summary = summarise(
      std::vector<Sample>{sample_of(1, Outcome::kAborted), sample_of(5, Outcome::kAnswered, 200)},
      all);
  EXPECT_EQ(summary.requests, 2U);
  EXPECT_EQ(summary.aborted, 1U);
  EXPECT_EQ(summary.failed(), 0U);
  EXPECT_EQ(summary.mean_ms, 5);
  EXPECT_EQ(summary.sorted.size(), 1U);
}

TEST(Summary, TimesToTheFirstByteHaveTheirOwnOrder) {
  std::vector<Sample> samples{sample_of(30, Outcome::kAnswered, 200),
                              sample_of(40, Outcome::kAnswered, 200)};
  samples[0].first = from_ms(9);
  samples[1].first = from_ms(3);
  const Summary summary = summarise(samples, all);
  EXPECT_DOUBLE_EQ(summary.first_mean_ms, 6);
  EXPECT_EQ(summary.sorted_first, (std::vector<Duration>{from_ms(3), from_ms(9)}));
  EXPECT_DOUBLE_EQ(summary.mean_ms, 35);
}

TEST(Summary, TakesOnlyWhatBelongs) {
  std::vector<Sample> samples(10, sample_of(1, Outcome::kAnswered, 200));
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].server = i < 3 ? 0 : 1;
  const Summary summary = summarise(samples, [](const Sample& s) { return s.server == 1; });
  EXPECT_EQ(summary.requests, 7U);
  EXPECT_EQ(summary.servers.at(1), 7U);
  EXPECT_EQ(summary.servers.count(0), 0U);
}

}  // namespace
}  // namespace leastwise::bench
