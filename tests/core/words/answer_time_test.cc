#include "words/answer_time.h"

#include <gtest/gtest.h>

#include <cmath>

namespace leastwise {
namespace {

TEST(AnswerTimeTest, TheTableIsTheExponential) {
  for (float x = 0; x < 17; x += 0.01F) EXPECT_NEAR(Fade::of(x), std::exp(-x), 5e-4) << x;
  EXPECT_EQ(Fade::of(0), 1);
  EXPECT_EQ(Fade::of(-1), 1);
  EXPECT_EQ(Fade::of(std::nanf("")), 1);
  EXPECT_EQ(Fade::of(INFINITY), 0);
}

TEST(AnswerTimeTest, WhatIsUnknownBeginsAtTheMeanOrAtItsPeak) {
  EXPECT_EQ(answer_time::unpack(with_answer(0, 0.001F, 8, 0.02F, 5)).seconds, 0.02F);
  EXPECT_EQ(answer_time::unpack(with_answer(0, 0.5F, 8, 0.02F, 5)).seconds, 0.5F);
  EXPECT_EQ(answer_time::unpack(with_answer(0, 0.5F, 8, 0, 5)).seconds, 0.5F);
}

TEST(AnswerTimeTest, SlowerReplacesFasterMovesByTheTimeThatPassed) {
  const std::uint64_t word = answer_time::pack({0.1F, 1'000});
  EXPECT_EQ(answer_time::unpack(with_answer(word, 0.3F, 8, 0.02F, 1'001)).seconds, 0.3F);
  // e^(-2/8) = 0.7788: 0.02 + 0.08 · 0.7788.
  const AnswerTime t = answer_time::unpack(with_answer(word, 0.02F, 8, 0.5F, 3'000));
  EXPECT_NEAR(t.seconds, 0.082304, 1e-5);
  EXPECT_EQ(t.ms, 3'000U);
}

TEST(AnswerTimeTest, TheStampMayComeRoundAndTheClockGoBack) {
  const std::int64_t before = (std::int64_t{1} << 32) - 500;
  EXPECT_NEAR(age_seconds({1, static_cast<std::uint32_t>(before)}, before + 1'500), 1.5, 1e-6);
  EXPECT_EQ(age_seconds({1, 9'000}, 8'000), 0);
}

}  // namespace
}  // namespace leastwise
