#include "model/switchback.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>

#include "leastwise/rng.h"

namespace leastwise {
namespace {

// A pool that answers 100 times in 100 ms, so many milliseconds each by who chooses.
class SwitchbackTest : public ::testing::Test {
 protected:
  void pass(double seconds) {
    for (const std::int64_t end = now_ms_ + std::llround(seconds * 1000); now_ms_ < end;) {
      now_ms_ += 100;
      const bool ours = switchback_.chooser() == Chooser::kPolicy;
      const double noise = 1 + noise_ * (rng_.below(2001) / 1000.0 - 1);
      totals_.answers += answers_;
      totals_.failures += ours ? failures_ : 0;
      totals_.micros += static_cast<std::uint64_t>(static_cast<double>(answers_) * 1000 *
                                                   (ours ? ours_ms_ : control_ms_) * noise);
      switchback_.advance(now_ms_, [&] { return totals_; });
      ++ticks_[static_cast<std::size_t>(switchback_.chooser())];
    }
  }
  double share(Chooser chooser) const {
    const double all = ticks_[0] + ticks_[1] + ticks_[2];
    return ticks_[static_cast<std::size_t>(chooser)] / all;
  }

  Switchback switchback_{};
  Switchback::Totals totals_;
  std::uint64_t answers_ = 100, failures_ = 0;
  double ours_ms_ = 10, control_ms_ = 10, noise_ = 0;
  Rng rng_{1};
  std::array<double, 3> ticks_{};
  std::int64_t now_ms_ = 1'000'000;
};

TEST_F(SwitchbackTest, OneSecondInTenIsTheControls) {
  pass(1000);
  EXPECT_NEAR(share(Chooser::kControl), 0.1, 0.01);
  EXPECT_EQ(share(Chooser::kFallback), 0);
}

TEST_F(SwitchbackTest, MeasuresBothAlike) {
  ours_ms_ = 8;
  control_ms_ = 12;
  pass(100);
  EXPECT_NEAR(switchback_.adaptive().typical(), 0.008, 1e-6);
  EXPECT_NEAR(switchback_.control().typical(), 0.012, 1e-6);
}

TEST_F(SwitchbackTest, FallsBackWhenAdaptiveIsWorse) {
  ours_ms_ = 11;
  pass(100);
  EXPECT_GT(share(Chooser::kFallback), 0.3);
}

TEST_F(SwitchbackTest, FourPercentWorseIsNotWorthIt) {
  ours_ms_ = 10.4;
  pass(1000);
  EXPECT_EQ(share(Chooser::kFallback), 0);
}

// Uniform noise of 60 % has a standard deviation of .35 in each tick, .12 in eight of them.
TEST_F(SwitchbackTest, NoiseAloneDoesNotMakeItFallBack) {
  noise_ = 0.6;
  pass(20'000);
  EXPECT_LT(share(Chooser::kFallback), 0.02);
}

TEST_F(SwitchbackTest, ADifferenceIsFoundInTheNoise) {
  noise_ = 0.6;
  ours_ms_ = 13;
  pass(400);
  EXPECT_GT(share(Chooser::kFallback), 0.3);
}

TEST_F(SwitchbackTest, AFailureCountsAsTenAnswers) {
  ours_ms_ = 5;
  failures_ = 3;  // of 100: .3 times the slower mean, so 5 + 3
  pass(100);
  EXPECT_NEAR(switchback_.adaptive().typical(), 0.008,
              1e-4);  // the first before the slower was known
  failures_ = 10;
  pass(200);
  EXPECT_GT(share(Chooser::kFallback), 0.1);
}

TEST_F(SwitchbackTest, FallbacksGrowLongerUntilItIsKnownGood) {
  ours_ms_ = 20;
  pass(4 * 3600);
  EXPECT_GT(share(Chooser::kFallback), 0.9);
  ours_ms_ = 5;
  pass(2 * 3600);
  ticks_ = {};
  pass(3600);
  EXPECT_EQ(share(Chooser::kFallback), 0);
  ours_ms_ = 20;
  pass(300);  // the first is a minute again, so it is over by now
  EXPECT_GT(share(Chooser::kPolicy), 0.3);
}

TEST_F(SwitchbackTest, AFewAnswersSayNothing) {
  answers_ = 1;  // ten a second
  ours_ms_ = 100;
  pass(600);
  EXPECT_EQ(switchback_.adaptive().seconds, 0);
  EXPECT_EQ(share(Chooser::kFallback), 0);
}

TEST_F(SwitchbackTest, ASecondInWhichCountersWentBackIsLeftOut) {
  pass(100);
  const double before = switchback_.adaptive().typical();
  totals_ = {};
  pass(100);
  EXPECT_NEAR(switchback_.adaptive().typical(), before, 1e-9);
}

TEST_F(SwitchbackTest, AClockThatGoesBackOrLeapsDoesNotHoldItUp) {
  ours_ms_ = 20;
  pass(65);
  ASSERT_EQ(switchback_.chooser(), Chooser::kFallback);
  now_ms_ -= 3'600'000;
  pass(1);
  EXPECT_NE(switchback_.chooser(), Chooser::kFallback);
  now_ms_ += 3'600'000;
  ours_ms_ = 10;
  pass(100);
  EXPECT_GT(switchback_.control().seconds, 5);
}

TEST_F(SwitchbackTest, RandomWordsHeal) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Rng rng(seed);
    std::array<std::uint64_t, sizeof(Switchback) / 8> words{};
    for (std::uint64_t& word : words) word = rng.next();
    switchback_ = std::bit_cast<Switchback>(words);
    pass(100);
    ASSERT_LT(switchback_.chooser(), Chooser::kFallback) << seed;
    EXPECT_NEAR(switchback_.adaptive().typical(), 0.010, 1e-4) << seed;
  }
}

}  // namespace
}  // namespace leastwise
