#include "model/prior.h"

#include <gtest/gtest.h>

#include <initializer_list>

#include "leastwise/rng.h"

namespace leastwise {
namespace {

constexpr double kSpread = 1;  // of exponential answer times

using List = std::initializer_list<double>;

Prior::Sums sums_of(List slownesses, double answers) {
  Prior::Sums sums;
  for (const double g : slownesses) sums.add(g, answers);
  return sums;
}

// After so many ticks in which the endpoints are seen like this, some of them as alike.
Prior after(int ticks, List slownesses, double answers, List alike = {}) {
  Prior prior;
  prior.reset();
  for (int i = 0; i < ticks; ++i) {
    prior.renew(sums_of(slownesses, answers), sums_of(alike, answers), kSpread);
  }
  return prior;
}

TEST(PriorTest, BeginsByBelievingAnswersAtOnce) { EXPECT_EQ(after(0, {}, 0).strength(), 4); }

TEST(PriorTest, IsStrongWhereServersDifferByNoMoreThanChance) {
  // The mean of 100 exponential times is off by a tenth.
  const Prior prior = after(100, {0.95, 1.05, 0.9, 1.1, 1, 1, 0.97, 1.03}, 100);
  EXPECT_NEAR(prior.strength(), 1000, 1);
  EXPECT_GT(prior.near(false), 0.08F);
}

TEST(PriorTest, IsWeakWhereServersDiffer) {
  const Prior prior = after(100, {0.5, 0.5, 1, 1, 2, 2, 4, 4}, 100);
  EXPECT_NEAR(prior.strength(), 4, 0.1);
  EXPECT_LT(prior.near(false), 0.001F);
}

TEST(PriorTest, WeightsAreSharesUntilTheEndpointsWereComparedForTwoSeconds) {
  const List unequal = {0.5, 0.5, 1, 1, 2, 2, 4, 4};
  EXPECT_GE(after(0, unequal, 100).near(true), 1);
  EXPECT_GE(after(10, unequal, 100).near(true), 0.5F);
  EXPECT_LT(after(20, unequal, 100).near(true), 0.03F);
  EXPECT_LT(after(0, unequal, 100).near(false), 0.01F) << "without weights luck is no share";
  EXPECT_GE(after(20, {1}, 100).near(true), 1) << "one alone is compared with nobody";
}

TEST(PriorTest, IsTheSpreadOverTheVarianceBetweenServersBeyondChance) {
  // Of many answers chance is small: variance .01 of mean 1.
  const Prior prior = after(200, {0.9, 1.1, 0.9, 1.1}, 100'000);
  EXPECT_NEAR(prior.strength(), kSpread / 0.01, 5);
}

// Ticks until K is half way, by its logarithm, between its least and its most.
int ticks_to_half(Prior prior, List slownesses) {
  constexpr float kHalf = 63;
  const bool falls = prior.strength() > kHalf;
  int ticks = 0;
  for (; (prior.strength() > kHalf) == falls && ticks < 100; ++ticks) {
    prior.renew(sums_of(slownesses, 100), sums_of(slownesses, 100), kSpread);
  }
  return ticks;
}

TEST(PriorTest, ADifferenceIsBelievedSoonerThanThatAllAreAlike) {
  const int falls = ticks_to_half(after(100, {1, 1, 1, 1}, 100), {1, 1, 1, 20});
  EXPECT_LE(falls, 5);  // half a second
  EXPECT_LT(falls, ticks_to_half(after(100, {1, 1, 1, 20}, 100), {1, 1, 1, 1}));
}

TEST(PriorTest, WithWeightsDifferencesOfATenthAreNearTies) {
  const Prior prior = after(200, {0.95, 1.05}, 100'000);
  EXPECT_GT(prior.near(true), 0.1F);
  EXPECT_LT(prior.near(false), 0.1F);
}

TEST(PriorTest, WhoIsAlikeIsSoWhateverTheOthersAre) {
  const Prior prior = after(100, {1, 1, 1, 1, 1, 1, 4, 4}, 100, {1, 1, 1, 1, 1, 1});
  EXPECT_NEAR(prior.strength(), 4, 0.1);
  EXPECT_GT(prior.alike_strength(), 500);
  EXPECT_GT(prior.near(false), 0.08F);
  EXPECT_NEAR(prior.centre(1.5), 1, 1e-9);
  EXPECT_NEAR(prior.alike_slowness(1.5), 1, 0.01);
}

TEST(PriorTest, WhereNobodyIsAlikeThePoolStandsForAll) {
  const Prior prior = after(100, {0.5, 0.8, 1.2, 2, 4}, 100, {0.8, 1.2});
  EXPECT_NEAR(prior.alike_strength(), prior.strength(), 0.1);
  EXPECT_NEAR(prior.alike_slowness(1.5), 1.5, 0.01);
  EXPECT_LT(prior.near(false), 0.001F);
}

TEST(PriorTest, AGroupThatIsGoneIsForgotten) {
  Prior prior = after(100, {1, 1, 1, 4}, 100, {1, 1, 1});
  for (int i = 0; i < 100; ++i) prior.renew(sums_of({1, 2, 3, 4}, 100), sums_of({}, 100), kSpread);
  EXPECT_EQ(prior.centre(2.5), 2.5);
  EXPECT_NEAR(prior.alike_strength(), prior.strength(), 0.1);
}

// As in a process that has just begun with what was known, and hears next who is up.
TEST(PriorTest, WhileNobodyTakesPartWhatWasFoundStays) {
  Prior prior = after(30, {0.8, 0.81, 0.79}, 100, {0.8, 0.81, 0.79});
  const double strength = prior.alike_strength();
  prior.renew({}, {}, kSpread);
  EXPECT_EQ(prior.alike_strength(), strength);
  EXPECT_NEAR(prior.centre(1), 0.8, 0.001);
}

TEST(PriorTest, WhoGaveNoAnswersHasNoSay) {
  const Prior prior = after(100, {1, 1, 1}, 1);
  EXPECT_EQ(prior.strength(), 4);
  EXPECT_TRUE(prior.sane());
}

}  // namespace
}  // namespace leastwise
