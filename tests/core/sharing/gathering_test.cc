#include "sharing/gathering.h"

#include <gtest/gtest.h>

#include <vector>

namespace leastwise::sharing {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr Duration kSecond = std::chrono::seconds(1);

class GatheringTest : public ::testing::Test {
 protected:
  void tell(const char* who, std::uint64_t number, float first, float second, TimePoint now) {
    gathering_.take(
        who, {.life = 1, .number = number, .servers = {{1, first, first}, {2, second, second}}},
        now);
  }
  // Of servers 1 and 2.
  std::vector<float> sum(TimePoint now, float own = 10) {
    std::vector<ServerReport> servers = {{1, 99, 99}, {2, 99, 99}};
    heard_ = gathering_.sum(servers, own, now);
    EXPECT_EQ(servers[0].requests, servers[0].work);
    return {servers[0].requests, servers[1].requests};
  }

  Gathering gathering_;
  std::uint32_t heard_ = 0;
};

TEST_F(GatheringTest, AddsUpTheLastReportOfEach) {
  tell("a", 1, 5, 5, kStart);
  tell("a", 2, 1, 2, kStart);
  tell("b", 1, 3, 4, kStart);
  EXPECT_EQ(sum(kStart), (std::vector<float>{4, 6}));
  EXPECT_EQ(heard_, 2U);
}

TEST_F(GatheringTest, SaysNothingOfServersThatItIsNotAskedFor) {
  gathering_.take("a", {.life = 1, .number = 1, .servers = {{3, 9, 9}}}, kStart);
  EXPECT_EQ(sum(kStart), (std::vector<float>{0, 0}));
}

TEST_F(GatheringTest, WhatIsStaleFadesAndIsForgotten) {
  tell("a", 1, 4, 8, kStart);
  EXPECT_EQ(sum(kStart + kSecond), (std::vector<float>{4, 8}));
  EXPECT_EQ(sum(kStart + 3 * kSecond), (std::vector<float>{2, 4}));  // half way from 1 s to 5 s
  sum(kStart + 5 * kSecond);
  EXPECT_EQ(heard_, 0U);
}

// Its bytes lie in Redis until they expire, whatever became of the balancer.
TEST_F(GatheringTest, TheSameReportAgainIsNotNews) {
  tell("a", 1, 4, 8, kStart);
  tell("a", 1, 4, 8, kStart + 3 * kSecond);
  EXPECT_EQ(sum(kStart + 3 * kSecond), (std::vector<float>{2, 4}));
  gathering_.take("a", {.life = 2, .number = 1, .servers = {{1, 4, 4}}}, kStart + 3 * kSecond);
  EXPECT_EQ(sum(kStart + 3 * kSecond), (std::vector<float>{4, 0}));
}

// The usual one has 10; who tells 8,000 counts as one that has 40.
TEST_F(GatheringTest, ALiarCountsAsFourOfTheUsualSize) {
  for (const char* who : {"a", "b", "c"}) tell(who, 1, 5, 5, kStart);
  tell("liar", 1, 4000, 4000, kStart);
  EXPECT_EQ(sum(kStart), (std::vector<float>{35, 35}));
}

TEST_F(GatheringTest, ASingleOtherOneIsMeasuredByOurselves) {
  tell("liar", 1, 4000, 0, kStart);
  EXPECT_EQ(sum(kStart, 10), (std::vector<float>{40, 0}));
}

TEST_F(GatheringTest, HearsSoManyAndNoMore) {
  for (std::size_t i = 0; i < Gathering::kMostTellers + 10; ++i) {
    tell(std::to_string(i).c_str(), 1, 1, 0, kStart);
  }
  sum(kStart);
  EXPECT_EQ(heard_, Gathering::kMostTellers);
}

}  // namespace
}  // namespace leastwise::sharing
