// What a request costs those of other balancers, as a pool learns it.
#include "guard/toll.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

class TollTest : public PoolFixture {
 protected:
  // `seconds` in which `tellers` others are heard and each endpoint gives 20 answers a second. At
  // one of `waits` each second request waits so much longer.
  void live(int seconds, std::uint32_t tellers, const std::vector<float>& waits) {
    for (int tick = 0; tick < 10 * seconds; ++tick) {
      for (std::size_t i = 0; i < waits.size(); ++i) {
        pool_.hear(members_[i].id, 4);
        for (int k = 0; k < 2 && tellers > 0; ++k) {
          const float wait = k == 0 ? waits[i] : 0;
          shared().learned()[index(members_[i].id)].toll.add(0.01F + wait, 0.01F);
        }
      }
      if (tellers > 0) pool_.heard(tellers, now_);
      let_pass(1);
    }
  }
  void let_pass(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      now_ += Pool::kTickPeriod;
      pool_.tick(config_, now_);
    }
  }
  state::Shared shared() {
    return {reinterpret_cast<state::Header*>(memory_.span().data()),
            static_cast<std::uint32_t>(pool_.capacity())};
  }
  std::uint32_t elsewhere(std::size_t i) {
    return pool_.view(members_[i].id, config_, now_).elsewhere;
  }
  // In mean costs.
  float toll(std::size_t i) {
    return shared().learned()[index(members_[i].id)].toll.seconds / mean_cost();
  }
  float mean_cost() { return shared()->plan().mean_cost.get(); }
  void make_learned(const std::vector<int>& weights) {
    make(weights);
    sequence(400, std::chrono::milliseconds(10));
    let_pass(10);
    ASSERT_GT(mean_cost(), 0);
  }
};

TEST_F(TollTest, NobodyIsHeard) {
  make_learned({1, 1});
  live(10, 0, {0, 0.05F});
  EXPECT_EQ(toll(0), 0);
  EXPECT_EQ(toll(1), 0);
}

// Each second request waits five times what it takes: 2.5 in the mean, times 1.5, as far as 200
// answers of late are believed.
TEST_F(TollTest, IsTheWaitAndHalfOfItMore) {
  make_learned({1, 1});
  live(60, 9, {0, 0.05F});
  EXPECT_LT(toll(0), 0.1F);
  EXPECT_NEAR(toll(1), 1.5F * 2.5F, 0.4F);
}

TEST_F(TollTest, IsAddedToTheDelayOfPoliciesByScore) {
  make_learned({1, 1});
  live(20, 9, {0, 0.05F});
  const auto handicap = [&] {
    return shared().hot()[index(members_[1].id)].handicap.get() -
           shared().hot()[index(members_[1].id)].base.get();
  };
  EXPECT_NEAR(handicap(), toll(1) * mean_cost(), 1e-6F);
  EXPECT_NEAR(view(1).toll, handicap(), 1e-6F);
  EXPECT_EQ(pool_.view().others, 9U);
  const float toll_shown = view(1).toll, delay_shown = view(1).delay;
  config_.policy = find_policy("least_conn");
  let_pass(1);
  EXPECT_EQ(handicap(), 0);
  EXPECT_EQ(view(1).toll, 0);
  EXPECT_NEAR(delay_shown - view(1).delay, toll_shown, 0.1F * toll_shown);
}

TEST_F(TollTest, OfFewBalancersThereIsLessOfIt) {
  for (const auto& [tellers, part] : {std::pair{3U, 0.0F}, {6U, 0.5F}, {9U, 1.0F}, {200U, 1.0F}}) {
    make_learned({1, 1});
    live(60, tellers, {0, 0.05F});
    EXPECT_NEAR(toll(1), part * 1.5F * 2.5F, 0.4F) << tellers;
  }
}

// Where all are as slow, nobody waits: a server is not slow for others being there.
TEST_F(TollTest, WhoIsSlowOfItselfPaysNone) {
  make_learned({1, 1});
  for (int tick = 0; tick < 200; ++tick) {
    for (std::size_t i = 0; i < 2; ++i) {
      shared().learned()[index(members_[i].id)].toll.add(i == 0 ? 0.01F : 0.04F, 0.01F);
    }
    pool_.heard(9, now_);
    let_pass(1);
  }
  EXPECT_LT(toll(0), 0.1F);
  EXPECT_LT(toll(1), 0.4F);
}

TEST_F(TollTest, IsShownAtOnceAndForgottenWhenStale) {
  make_learned({1, 1});
  live(20, 9, {0, 0.05F});
  EXPECT_EQ(elsewhere(0), 4U);
  const float before = toll(1);
  ASSERT_GT(before, 3);
  let_pass(30);  // half of it is left, and its answers are old
  EXPECT_EQ(elsewhere(0), 2U);
  EXPECT_LT(toll(1), 0.6F * before);
  EXPECT_GT(toll(1), 0);
  let_pass(21);
  EXPECT_EQ(elsewhere(0), 0U);
  EXPECT_EQ(toll(1), 0);
  EXPECT_EQ(shared()->heard_ms.get(), 0);
}

TEST_F(TollTest, WhatIsOnlyShownCountsNothing) {
  make_learned({1, 1});
  live(20, 9, {0, 0.05F});
  pool_.heard(0, now_);
  let_pass(1);
  EXPECT_EQ(elsewhere(0), 4U);
  EXPECT_EQ(toll(1), 0);
}

TEST_F(TollTest, WhoWentHasNone) {
  make_learned({1, 1, 1});
  live(20, 9, {0, 0, 0.05F});
  settle(2, {.flags = kDown});
  pool_.heard(9, now_);
  let_pass(1);
  EXPECT_EQ(toll(2), 0);
}

// Real answers reach it, by the picker.
TEST_F(TollTest, LearnsFromAnswers) {
  make_learned({1, 1});
  for (int round = 0; round < 20; ++round) {
    pool_.heard(9, now_);
    sequence(20, std::chrono::milliseconds(10));
    let_pass(1);
  }
  EXPECT_GT(shared().learned()[index(members_[0].id)].toll.answers, 3);
  EXPECT_GT(shared().learned()[index(members_[0].id)].toll.low, 0);
}

// What was told at a time that is to come, by memory that was damaged.
TEST_F(TollTest, ATimeThatCanNotBeIsForgotten) {
  make_learned({1, 1});
  for (const std::int64_t ms : {std::numeric_limits<std::int64_t>::max(), std::int64_t{-1},
                                std::numeric_limits<std::int64_t>::min()}) {
    live(10, 9, {0, 0.05F});
    ASSERT_GT(toll(1), 0);
    shared()->heard_ms.set(ms);
    EXPECT_EQ(elsewhere(0), 0U);
    let_pass(1);
    EXPECT_EQ(shared()->heard_ms.get(), 0);
    EXPECT_EQ(toll(1), 0);
  }
}

TEST_F(TollTest, WhatCanNotBeIsNothing) {
  make_learned({1, 1});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  Toll& one = shared().learned()[index(members_[0].id)].toll;
  for (const float x : {nan, -1.0F, 0.0F, infinity}) {
    one.add(x, 0.01F);
    one.add(0.01F, x);
  }
  live(20, 9, {0, 0.05F});
  EXPECT_GE(toll(0), 0);
  EXPECT_LT(toll(0), 10);
  one = {.answers = nan, .times = infinity, .low = nan, .least = -1, .seconds = nan};
  live(1, 9, {0, 0.05F});
  EXPECT_GE(toll(0), 0);  // else it would be NaN
  for (const float x : {nan, infinity, -1.0F}) {
    pool_.hear(members_[0].id, x);
    pool_.heard(9, now_);
    EXPECT_LT(elsewhere(0), 1U << 20);
    one.seconds = x;
    EXPECT_EQ(view(0).toll, 0);
  }
}

}  // namespace
}  // namespace leastwise
