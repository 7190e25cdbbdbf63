#include "leastwise/decay.h"

#include <gtest/gtest.h>

#include <cmath>

namespace leastwise {
namespace {

using namespace std::chrono_literals;

TEST(DecayTest, ASumStoredAndReadLaterHasShrunkByTheExponential) {
  Decay decay;
  for (const Duration age : {0ms, 1ms, 500ms, 8000ms, 15999ms, 40000ms, 100000ms}) {
    const TimePoint start(3h + 77ms);
    decay.set(8s, start);
    const float stored = 10 * decay.grow();
    const std::uint8_t epoch = decay.epoch();
    decay.set(8s, start + age);
    const double expected = 10 * std::exp(-std::chrono::duration<double>(age).count() / 8);
    EXPECT_NEAR(stored * decay.left(epoch), expected, expected * 1e-4) << age.count();
  }
}

TEST(DecayTest, RebasedTwiceIsTheSameAsOnce) {
  Decay decay;
  decay.set(8s, TimePoint(1h));
  const float stored = 5 * decay.grow();
  const std::uint8_t epoch = decay.epoch();
  decay.set(8s, TimePoint(1h + 20s));
  const float step = stored * decay.rebased(epoch);
  const std::uint8_t between = decay.epoch();
  decay.set(8s, TimePoint(1h + 50s));
  EXPECT_NEAR(step * decay.left(between), stored * decay.left(epoch), 1e-5);
}

TEST(DecayTest, WhatIsTwelveLandmarksOldIsForgotten) {
  Decay decay;
  decay.set(8s, TimePoint(1h));
  const std::uint8_t epoch = decay.epoch();
  decay.set(8s, TimePoint(1h + 12 * 16s));
  EXPECT_EQ(decay.left(epoch), 0);
}

TEST(DecayTest, AStoredSumNeverGrowsBeyondESquared) {
  Decay decay;
  for (int ms = 0; ms < 40000; ms += 7) {
    decay.set(8s, TimePoint(std::chrono::milliseconds(ms)));
    EXPECT_GE(decay.grow(), 1);
    EXPECT_LT(decay.grow(), 7.39F);
  }
}

}  // namespace
}  // namespace leastwise
