#include "score.h"

#include <gtest/gtest.h>

#include <memory>

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
    decay_.set(8s, TimePoint(1h));
  }
  float score(float cost, std::uint32_t n) {
    const Costs costs{.cost = cost, .slow = cost};
    return Score(*plan_, costs, milliseconds(TimePoint(1h)))(*hot_, hot_->load.get(), n);
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

TEST_F(ScoreTest, SlownessIsShrunkTowardsThePoolByFourMeanCosts) {
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

}  // namespace
}  // namespace leastwise
