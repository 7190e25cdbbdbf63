#include <gtest/gtest.h>

#include <algorithm>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class ByHandTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("least_conn");
    make({1, 1, 1});
  }
  EndpointId id(std::size_t member) const { return members_[member].id; }
  std::ptrdiff_t requests_of_b(int of) { return std::ranges::count(sequence(of), 'b'); }
  void learn() {
    use("adaptive");
    for (int i = 0; i < 10; ++i) {
      sequence(60);
      tick();
    }
    ASSERT_TRUE(view(1).known);
  }
  void wait(Duration time) {
    now_ += time;
    tick();
  }
};

TEST_F(ByHandTest, WhoIsEjectedGetsNoRequestUntilItsTimeIsOver) {
  pool_.eject(id(1), 30s, now_);
  EXPECT_EQ(requests_of_b(30), 0);
  wait(29s);
  EXPECT_TRUE(view(1).ejected);
  EXPECT_EQ(view(1).ejected_why, Ejection::kOperator);
  EXPECT_EQ(view(1).ejections[static_cast<std::size_t>(Ejection::kOperator)], 1U);
  EXPECT_EQ(requests_of_b(30), 0);
  wait(2s);
  EXPECT_FALSE(view(1).ejected);
  EXPECT_EQ(requests_of_b(30), 10);
}

TEST_F(ByHandTest, TheWatchOverOutliersLeavesItOutForAsLongAsItWasTold) {
  config_.outlier = true;
  config_.outlier_time = 1s;
  pool_.eject(id(1), 1h, now_);
  wait(59min);
  EXPECT_TRUE(view(1).ejected);
  wait(2min);
  EXPECT_FALSE(view(1).ejected);
}

TEST_F(ByHandTest, AnUndoneEjectionEndsAtOnceAndWhatWasLearnedIsForgotten) {
  learn();
  pool_.eject(id(1), 30s, now_);
  EXPECT_TRUE(pool_.bring_back(id(1)));
  EXPECT_FALSE(view(1).ejected);
  EXPECT_FALSE(view(1).known);
  EXPECT_GT(requests_of_b(30), 0);
  EXPECT_FALSE(pool_.bring_back(id(1)));
}

TEST_F(ByHandTest, AnEjectionLastsADayAtMost) {
  pool_.eject(id(1), 1000h, now_);
  wait(23h);
  EXPECT_TRUE(view(1).ejected);
  wait(2h);
  EXPECT_FALSE(view(1).ejected);
}

TEST_F(ByHandTest, WhenAllAreEjectedTheyAreTheLastResort) {
  for (std::size_t i = 0; i < 3; ++i) pool_.eject(id(i), 30s, now_);
  const auto counts = spread(30);
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 30);
}

TEST_F(ByHandTest, WhatIsForgottenIsUnknownAndCountersStay) {
  learn();
  const std::uint64_t picks = view(1).picks;
  pool_.forget(id(1));
  EXPECT_FALSE(view(1).known);
  EXPECT_EQ(view(1).picks, picks);
}

}  // namespace
}  // namespace leastwise
