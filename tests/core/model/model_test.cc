#include "model/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

namespace leastwise {
namespace {

class ModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    model_->reset();
    routes_->clear();
  }
  void add(Answer a) { model_->add(a, learned_, *routes_, true, ms_ += 1); }
  // An answer on an idle server of slowness 1, predicted as the plan would.
  void answer(float took, std::uint32_t route) {
    model_->publish(*plan_, false);
    Costs costs = routes_->costs(static_cast<std::uint16_t>(route));
    if (!(costs.cost > 0)) costs.cost = plan_->mean_cost.get();
    add({.endpoint = 0,
         .route = static_cast<std::uint16_t>(route),
         .ms = static_cast<std::uint32_t>(ms_),
         .took = took,
         .predicted = costs.cost,
         .slow_cost = costs.slow,
         .ahead = plan_->mean_cost.get(),
         .mean_ahead = plan_->mean_cost.get(),
         .slowness_before = 1,
         .slowness = 1});
  }

  std::uint16_t find(std::string_view path) {
    Route route;
    route.fold("GET", path);
    return routes_->find(route.hash(), route.name());
  }

  std::unique_ptr<Model> model_ = std::make_unique<Model>();
  std::unique_ptr<Routes> routes_ = std::make_unique<Routes>();
  std::unique_ptr<Plan> plan_ = std::make_unique<Plan>();
  Learned learned_;
  std::int64_t ms_ = 0;
};

TEST_F(ModelTest, TellsRoutesApart) {
  const std::uint32_t cheap = routes_->find(11);
  const std::uint32_t dear = routes_->find(22);
  for (int i = 0; i < 3000; ++i) {
    answer(0.002F, cheap);
    answer(0.050F, dear);
  }
  EXPECT_NEAR(routes_->costs(static_cast<std::uint16_t>(cheap)).cost, 0.002, 0.0002);
  EXPECT_NEAR(routes_->costs(static_cast<std::uint16_t>(dear)).cost, 0.050, 0.005);
  EXPECT_NEAR(routes_->costs(static_cast<std::uint16_t>(dear)).slow, 0.050, 0.005);
  EXPECT_NEAR(plan_->mean_cost.get(), 0.026, 0.003);
}

TEST_F(ModelTest, TellsPathsOfOneFamilyApart) {
  for (int i = 0; i < 3000; ++i) {
    answer(0.010F, find("/api/list"));
    answer(0.100F, find("/api/report"));
  }
  const std::uint16_t list = find("/api/list");
  EXPECT_NEAR(routes_->costs(list).cost, 0.010, 0.001);
  EXPECT_NEAR(routes_->costs(find("/api/report")).cost, 0.100, 0.01);
  EXPECT_NEAR(routes_->costs(routes_->family(list)).slow, 0.055, 0.006);
}

// The family's costs count as 16 answers: 16/(16+n) of them are left after n.
TEST_F(ModelTest, AYoungRouteMovesFromItsFamilysCostToItsOwn) {
  for (int i = 0; i < 8; ++i) answer(0.100F, find("/api/list"));
  const std::uint16_t quick = find("/api/quick");
  EXPECT_NEAR(routes_->costs(quick).cost, 0.100, 0.001);
  for (int i = 0; i < 16; ++i) answer(0.010F, quick);
  EXPECT_NEAR(routes_->costs(quick).cost, 0.010 + 0.090 / 2, 0.005);
  for (int i = 0; i < 200; ++i) answer(0.010F, quick);
  EXPECT_NEAR(routes_->costs(quick).cost, 0.010, 0.002);
}

TEST_F(ModelTest, ARouteWhoseClaimerDiedStartsFromItsFamilyToo) {
  for (int i = 0; i < 8; ++i) answer(0.100F, find("/api/list"));
  const std::uint16_t quick = find("/api/quick");
  routes_->set_costs(quick, {});  // it did not come so far
  answer(0.010F, quick);
  EXPECT_NEAR(routes_->costs(quick).cost, 0.100 - 0.090 / 17, 0.003);
}

// Half of the answers take nothing, half twice the mean: both are off by the mean, so the spread
// is 1.
TEST_F(ModelTest, LearnsHowMuchRequestsOfARouteDiffer) {
  const std::uint16_t steady = find("/steady");
  const std::uint16_t uneven = routes_->find(22);
  for (int i = 0; i < 3000; ++i) {
    answer(0.010F, steady);
    answer(i % 2 == 0 ? 0.0001F : 0.020F, uneven);
  }
  EXPECT_NEAR(routes_->spread(steady), 0, 0.01);
  EXPECT_NEAR(routes_->spread(uneven), 1, 0.15);
}

TEST_F(ModelTest, PriceAndCautionAreLowWhenNothingWaits) {
  for (int i = 0; i < 500; ++i) answer(0.010F, Routes::kOther);
  model_->publish(*plan_, false);
  EXPECT_NEAR(plan_->price.get(), 2, 1e-6);
  EXPECT_NEAR(plan_->caution_exponent.get(), 0, 1e-6);
  EXPECT_FLOAT_EQ(plan_->steps[10].caution.get(), 1);
}

TEST_F(ModelTest, PriceAndCautionGrowWithTheMeanWait) {
  for (int i = 0; i < 5000; ++i) {
    add({.route = Routes::kOther,
         .in_flight = 3,
         .took = 0.010F,
         .predicted = 0.010F,
         .ahead = 0.010F,
         .mean_ahead = 0.010F,
         .wait = 0.5F,
         .slowness_before = 1,
         .slowness = 1});
  }
  model_->publish(*plan_, false);
  // w̄ = 0.5: η = 2 + 5·0.5/(0.5 + 0.5) = 4.5, κ = 0.5·0.5/(0.5 + 0.2) = 0.357.
  EXPECT_NEAR(plan_->price.get(), 4.5, 0.01);
  EXPECT_NEAR(plan_->caution_exponent.get(), 0.357, 0.001);
  EXPECT_NEAR(plan_->steps[7].caution.get(), std::pow(8.0, 0.357), 0.01);
}

TEST_F(ModelTest, AnswersThatAreNoAnswersAreIgnored) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  for (const float x : {nan, inf, -inf, -1.0F, 0.0F}) add({.took = x, .predicted = 1});
  for (const float x : {nan, inf}) {
    add({.took = 1, .predicted = x, .slowness = 1});
    add({.took = 1, .predicted = 1, .ahead = x, .slowness = 1});
    add({.took = 1, .predicted = 1, .slowness = x});
  }
  add({.route = 60'000, .took = 1, .predicted = 1, .slowness = 1});
  add({.took = 1, .predicted = 1, .slowness_before = 1, .slowness = 0});
  add({.took = 1, .predicted = 1, .slowness_before = 0, .slowness = 1});
  EXPECT_EQ(model_->samples(), 0U);
  EXPECT_TRUE(model_->sane());
}

TEST_F(ModelTest, DamagedMemoryIsNoticed) {
  for (int i = 0; i < 100; ++i) answer(0.010F, Routes::kOther);
  ASSERT_TRUE(model_->sane());
  auto* mean_cost = reinterpret_cast<double*>(model_.get());
  *mean_cost = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(model_->sane());
}

}  // namespace
}  // namespace leastwise
