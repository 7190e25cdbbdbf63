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

// Streams alone: a place of two slots is free at once, or once half a stream has ended. All that
// was learned as the cost of a first byte and as the slowness of the server, five times what it is,
// so that nobody seems to wait.
TEST(GuestsTest, WhoOccupiesSlotsIsFoundOutThoughWaitsWereLearnedAsCost) {
  constexpr double kStream = 0.5;
  Guests guests{};
  Rng rng(9);
  for (int i = 0; i < 20; ++i) {
    const double stay = 1 + rng.below(3);
    const double wait = stay < 2 ? 0 : exponential(rng, (stay - 1) * kStream / 2);
    guests.add(kRoute, {.took = (0.002 + wait) / 5,
                        .cost = 0.06,
                        .mean_cost = 0.005,
                        .spread = 1,
                        .with = stay,
                        .ahead_with = kStream,
                        .without = 0,
                        .ahead_without = 0.005});
  }
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
