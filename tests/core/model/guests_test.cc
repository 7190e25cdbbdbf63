#include "model/guests.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "leastwise/rng.h"

namespace leastwise {
namespace {

constexpr std::size_t kRoute = 7;
constexpr double kCost = 0.010;
constexpr double kStays = 3;  // seconds that a guest stays
constexpr double kSlots = 4;

double exponential(Rng& rng, double mean) {
  return -mean * std::log((static_cast<double>(rng.below(1U << 30)) + 0.5) / (1U << 30));
}

// Answers of a server of four slots with up to six guests, who occupy slots or do not.
void answer(Guests& guests, bool occupy, int answers, std::uint64_t seed = 9) {
  Rng rng(seed);
  for (int i = 0; i < answers; ++i) {
    const double others = rng.below(2);
    const double stay = rng.below(7);
    const double behind = std::max(0.0, others + (occupy ? stay : 0) + 1 - kSlots);
    const double wait =
        behind > 0 ? exponential(rng, behind * (occupy ? kStays : kCost) / kSlots) : 0;
    guests.add(kRoute, {.took = kCost + wait,
                        .cost = kCost,
                        .mean_cost = kCost,
                        .spread = 1,
                        .with = others + stay,
                        .ahead_with = stay > 0 ? kStays : kCost,
                        .without = others,
                        .ahead_without = kCost});
  }
}

TEST(GuestsTest, WithoutAnAnswerNothingIsKnown) {
  const Guests guests{};
  EXPECT_EQ(guests.odds(kRoute), 0);
}

// Each of the few answers that waited costs the account without them six, and nothing else does.
TEST(GuestsTest, WhoOccupiesSlotsIsFoundOutByThoseWhoWait) {
  Guests guests{};
  answer(guests, true, 40);
  EXPECT_GT(guests.odds(kRoute), 8);
}

// With 64 slots nobody would wait for six either: that stays possible, so the odds are about even.
TEST(GuestsTest, WhoDelaysNobodyIsNeverTakenForBusy) {
  Guests guests{};
  for (int i = 0; i < 50; ++i) {
    answer(guests, false, 40, 100 + static_cast<std::uint64_t>(i));
    EXPECT_LT(guests.odds(kRoute), 3);
  }
}

TEST(GuestsTest, WhatHasChangedIsSeen) {
  Guests guests{};
  answer(guests, true, 2000);
  ASSERT_GT(guests.odds(kRoute), 8);
  answer(guests, false, 200);
  EXPECT_LT(guests.odds(kRoute), 0);
  answer(guests, true, 200);
  EXPECT_GT(guests.odds(kRoute), 8);
}

TEST(GuestsTest, OneOddAnswerIsNoProof) {
  Guests guests{};
  answer(guests, false, 500);
  guests.add(kRoute, {.took = 2,
                      .cost = kCost,
                      .mean_cost = kCost,
                      .spread = 1,
                      .with = 7,
                      .ahead_with = kStays,
                      .without = 1,
                      .ahead_without = kCost});
  EXPECT_LT(guests.odds(kRoute), 8);
}

}  // namespace
}  // namespace leastwise
