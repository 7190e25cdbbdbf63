#include "words/packed.h"

#include <gtest/gtest.h>

#include <cmath>

namespace leastwise {
namespace {

TEST(PackedTest, LoadCountsRequestsAndTheirWorkInOneWord) {
  std::uint64_t word = 0;
  const std::uint64_t a = load::of(0.010F);
  const std::uint64_t b = load::of(2.5F);
  word += a;
  word += b;
  EXPECT_EQ(load::in_flight(word), 2U);
  EXPECT_NEAR(load::work(word), 2.51, 1e-5);
  word = load::minus(word, a);
  EXPECT_EQ(load::in_flight(word), 1U);
  EXPECT_NEAR(load::work(word), 2.5, 1e-5);
  EXPECT_EQ(load::minus(word, b), 0U);
}

TEST(PackedTest, LoadKeepsThePlaceOfAWorkThatIsDone) {
  const std::uint64_t a = load::of(0.5F);
  const std::uint64_t word = load::without_work(a + load::of(2), a);
  EXPECT_EQ(load::in_flight(word), 2U);
  EXPECT_NEAR(load::work(word), 2, 1e-5);
  EXPECT_EQ(load::without_work(load::kOne, a), load::kOne) << "never below zero";
}

TEST(PackedTest, LoadNeverGoesBelowZero) {
  const std::uint64_t a = load::of(1);
  EXPECT_EQ(load::minus(0, a), 0U);
  EXPECT_EQ(load::minus(a, a + a), 0U);
  // More work taken than is there: the count stays right.
  EXPECT_EQ(load::in_flight(load::minus(load::of(0.1F) + load::of(0.1F), load::of(5))), 1U);
}

TEST(PackedTest, LoadBearsAnyPrediction) {
  for (const float x : {-1.0F, 1e30F, INFINITY, std::nanf("")}) {
    EXPECT_EQ(load::in_flight(load::of(x)), 1U);
    EXPECT_EQ(load::in_flight(load::of(x) * 3), 3U);
  }
}

TEST(PackedTest, SpeedKeepsTwentyBitsOfEachSum) {
  for (const float x : {1e-9F, 0.000123F, 0.5F, 1.0F, 77.7F, 1e6F}) {
    const Speed s = speed::unpack(speed::pack({.delay = x, .work = 3 * x, .epoch = 200}));
    EXPECT_NEAR(s.delay / x, 1, 1e-6);
    EXPECT_NEAR(s.work / (3 * x), 1, 1e-6);
    EXPECT_EQ(s.epoch, 200);
  }
  EXPECT_EQ(speed::unpack(0).delay, 0);
}

TEST(PackedTest, SpeedRefusesWhatIsNoSum) {
  for (const float x : {-1.0F, 1e38F, INFINITY, std::nanf("")}) {
    EXPECT_EQ(speed::unpack(speed::pack({.delay = x, .work = x, .epoch = 1})).delay, 0);
  }
}

TEST(PackedTest, HealthErrorAndCostsComeBackAsTheyWere) {
  const Health h =
      health::unpack(health::pack({.fails = 3, .probing = true, .until_ms = 123456789012}));
  EXPECT_EQ(h.fails, 3U);
  EXPECT_TRUE(h.probing);
  EXPECT_EQ(h.until_ms, 123456789012);
  EXPECT_EQ(health::unpack(health::pack({.fails = 99999, .probing = false, .until_ms = 1})).fails,
            0x7fffU);
  const ErrorShare e = error::unpack(error::pack({.share = 0.25F, .ms = 77}));
  EXPECT_EQ(e.share, 0.25F);
  EXPECT_EQ(e.ms, 77U);
  const Costs c = costs::unpack(costs::pack({.cost = 0.1F, .slow = 0.2F}));
  EXPECT_EQ(c.cost, 0.1F);
  EXPECT_EQ(c.slow, 0.2F);
}

TEST(AwayTest, IdleOnesNeverRunOverIntoThoseOnTheirWay) {
  std::uint32_t word = away::of(away::kMostIdle, 5);
  word = away::plus_idle(word);
  EXPECT_EQ(away::idle(word), away::kMostIdle);
  EXPECT_EQ(away::transit(word), 5U);
  word = away::minus_idle(away::of(0, 5));
  EXPECT_EQ(away::idle(word), 0U);
  EXPECT_EQ(away::transit(word), 5U);
}

TEST(GuestsTest, TheRouteIsThatOfTheLastAndGoesWithAllOfThem) {
  std::uint32_t word = guests::plus(guests::plus(0, 3), 256);
  EXPECT_EQ(guests::count(word), 2U);
  EXPECT_EQ(guests::route(word), 256U);
  word = guests::minus(word, 1);
  EXPECT_EQ(guests::count(word), 1U);
  EXPECT_EQ(guests::route(word), 256U);
  EXPECT_EQ(guests::minus(word, 1), 0U);
  EXPECT_EQ(guests::minus(word, 9), 0U);
}

}  // namespace
}  // namespace leastwise
