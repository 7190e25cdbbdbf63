#include "pick/score.h"

#include <gtest/gtest.h>

#include <memory>

#include "leastwise/decay.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

// A plan with round numbers, and an endpoint to try it on.
class ScoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    plan_->mean_cost.set(0.010F);
    plan_->slowness.set(1);
    plan_->sharing.set(0.25F);
    plan_->price.set(3);
    for (std::uint32_t q = 0; q < Plan::kTable; ++q) {
      // w(q) = q/2 and κ = 0; the work in flight counts as the design has it.
      plan_->steps[q].wait.set(0.5F * static_cast<float>(q));
      plan_->steps[q].ahead.set(q == 0 ? 0 : 0.75F * 0.8F * 0.5F / load::kUnitsPerSecond);
      plan_->steps[q].tie.set(0.001F * 0.010F * static_cast<float>(q));
      plan_->steps[q].caution.set(1);
    }
    hot_->inverse_weight.set(1);
    for (Plan::Anchor* anchor : {&plan_->others, &plan_->alike}) {
      anchor->work.set(0.040F);
      anchor->delay.set(0.040F);
    }
    decay_.set(8s, TimePoint(1h));
  }
  float score(float cost, std::uint32_t n) {
    return Score(*plan_, cost, TimePoint(1h))(*hot_, hot_->load.get(), n);
  }

  std::unique_ptr<Plan> plan_ = std::make_unique<Plan>();
  std::unique_ptr<state::Hot> hot_ = std::make_unique<state::Hot>();
  Decay decay_;
};

TEST_F(ScoreTest, AnUnknownIdleEndpointIsExpectedToTakeTheCostOfTheRequest) {
  EXPECT_FLOAT_EQ(score(0.020F, 0), 0.020F);
}

TEST_F(ScoreTest, FollowsTheFormulaOfTheDesign) {
  // Two in flight with 30 ms of work: m = 0.8·15 + 0.2·10 = 14 ms, w(2) = 1.
  hot_->load.set(load::of(0.010F) + load::of(0.020F));
  hot_->handicap.set(0.003F);
  // D = b + g [x + η min(x, 4x̄) w + w (ψ x + (1-ψ) m)] + 0.001 g x̄ n, g = 1, x = 20 ms:
  // 3 + 20 + 3·20·1 + 1·(0.25·20 + 0.75·14) + 0.02 = 98.52 ms.
  EXPECT_NEAR(score(0.020F, 2), 0.09852F, 1e-5F);
}

TEST_F(ScoreTest, ADearRequestIsCappedInThePrice) {
  hot_->load.set(load::of(0.010F));
  // x = 100 ms, capped at 40 in the price; w(1) = 0.5, m = 10:
  // 100 + 3·40·0.5 + 0.5 (25 + 7.5) + 0.01 = 176.26 ms.
  EXPECT_NEAR(score(0.100F, 1), 0.17626F, 1e-5F);
}

TEST_F(ScoreTest, SlownessIsShrunkTowardsThePoolByItsPrior) {
  // A = 120 ms over B = 40 ms, prior 40 ms at G = 1: g = 160/80 = 2.
  const Speed s{
      .delay = 0.120F * decay_.grow(), .work = 0.040F * decay_.grow(), .epoch = decay_.epoch()};
  hot_->slowness.set(slowness(s, decay_.left(s.epoch), *plan_));
  EXPECT_NEAR(score(0.010F, 0), 0.020F, 1e-5F);
}

TEST_F(ScoreTest, FailuresAreDear) {
  hot_->error.set(
      error::pack({.share = 0.1F, .ms = static_cast<std::uint32_t>(milliseconds(TimePoint(1h)))}));
  // D (1 + 0.8) + 0.8·10 ms·(1 + 2) = 18 + 24 = 42 ms.
  EXPECT_NEAR(score(0.010F, 0), 0.042F, 1e-5F);
}

TEST_F(ScoreTest, FailuresAreForgottenInTensOfSeconds) {
  hot_->error.set(error::pack(
      {.share = 0.1F, .ms = static_cast<std::uint32_t>(milliseconds(TimePoint(1h - 10s)))}));
  const float e = 0.1F * std::exp(-1.0F);
  EXPECT_NEAR(score(0.010F, 0), 0.010F * (1 + 8 * e) + 8 * e * 0.010F * (1 + 20 * e), 1e-6F);
}

TEST_F(ScoreTest, WeightDividesAndCautionMultiplies) {
  hot_->inverse_weight.set(0.25F);
  plan_->steps[3].caution.set(2);
  hot_->load.set(3 * load::of(0.010F));
  hot_->inverse_weight.set(1);
  const float one = score(0.010F, 3);
  hot_->inverse_weight.set(0.25F);
  EXPECT_FLOAT_EQ(score(0.010F, 3), one / 4);
  plan_->steps[3].caution.set(1);
  EXPECT_FLOAT_EQ(score(0.010F, 3), one / 8);
}

// Four endpoints, no two of them alike in anything.
class FourTest : public ScoreTest {
 protected:
  void SetUp() override {
    ScoreTest::SetUp();
    plan_->slowness.set(1.5F);
    for (std::uint32_t q = 0; q < Plan::kTable; ++q) {
      plan_->steps[q].caution.set(1 + 0.1F * static_cast<float>(q));
    }
    for (std::uint32_t k = 0; k < kFour; ++k) {
      state::Hot& hot = (*hot_)[k];
      const auto x = static_cast<float>(k);
      hot.load.set((3 * k + 1) * load::of(0.004F + 0.003F * x));
      hot.base.set(7);  // counts for nothing: what counts is the handicap
      hot.handicap.set(0.001F * x);
      hot.slowness.set(k == 2 ? 0 : 0.5F + 0.3F * x);
      hot.inverse_weight.set(1 / (1 + x));
    }
  }
  FourEndpoints four() const {
    FourEndpoints f;
    for (std::uint32_t k = 0; k < kFour; ++k) {
      f.endpoints[k] = &(*hot_)[k];
      f.words[k] = f.endpoints[k]->load.get();
      f.n[k] = load::in_flight(f.words[k]);
    }
    return f;
  }

  std::unique_ptr<std::array<state::Hot, kFour>> hot_ =
      std::make_unique<std::array<state::Hot, kFour>>();
};

TEST_F(FourTest, FourAtOnceScoreAsOneByOne) {
  const Score<float> score(*plan_, 0.020F, TimePoint(1h));
  ASSERT_TRUE(four().are_usual());
  const Float4 scores = ScoreOfFour(score)(four());
  for (std::uint32_t k = 0; k < kFour; ++k) {
    EXPECT_FLOAT_EQ(scores[k], score((*hot_)[k], four().words[k], four().n[k])) << k;
  }
  EXPECT_NE(scores[0], scores[1]);
}

TEST_F(FourTest, OneEndpointScoresForFourCostsAsForEach) {
  constexpr std::array kCosts = {0.001F, 0.010F, 0.030F, 0.500F};
  const Score<Float4> score(*plan_, Float4{kCosts[0], kCosts[1], kCosts[2], kCosts[3]},
                            TimePoint(1h));
  const state::Hot& hot = (*hot_)[3];
  hot_->at(3).error.set(
      error::pack({.share = 0.2F, .ms = static_cast<std::uint32_t>(milliseconds(TimePoint(1h)))}));
  for (const std::uint32_t n : {0U, 5U, Plan::kTable - 1, Plan::kTable, 1000U}) {
    const Float4 scores = score(hot, hot.load.get(), n);
    for (std::size_t k = 0; k < kFour; ++k) {
      const Score<float> one(*plan_, kCosts[k], TimePoint(1h));
      EXPECT_FLOAT_EQ(scores[k], one(hot, hot.load.get(), n)) << k << " with " << n;
    }
  }
}

TEST_F(FourTest, ThoseThatFailOrAreBeyondTheTableAreNotScoredAtOnce) {
  for (std::uint32_t k = 0; k < kFour; ++k) {
    FourEndpoints f = four();
    f.n[k] = Plan::kTable - 1;
    EXPECT_TRUE(f.are_usual());
    f.n[k] = Plan::kTable;
    EXPECT_FALSE(f.are_usual());
    (*hot_)[k].error.set(1);
    EXPECT_FALSE(four().are_usual());
    (*hot_)[k].error.set(0);
  }
}

}  // namespace
}  // namespace leastwise
