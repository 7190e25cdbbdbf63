#include <gtest/gtest.h>

#include "core/policies/large_pool.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class WeightedTest : public LargePoolFixture {
 protected:
  void SetUp() override { use("weighted"); }
};

TEST_F(WeightedTest, ByStaticDemandTheSharesAreTheWeights) {
  make({5, 1, 1});
  EXPECT_EQ(sequence(7), "aabacaa");
  EXPECT_EQ(spread(700), (std::vector<int>{500, 100, 100}));
}

TEST_F(WeightedTest, BySpeedAServerTwiceAsFastGetsTwiceAsMuch) {
  make({1, 1});
  config_.demand = Demand::kSpeed;
  Rng rng(3);
  for (int i = 0; i < 100; ++i) {
    for (int k = 0; k < 10; ++k) {
      const Ticket t = pick();
      const Duration mean = t.member == 0 ? 5ms : 10ms;
      finish(t, Result::kOk, mean * (1 + 2 * rng.below(1000)) / 1000);
    }
    tick();
  }
  const std::vector<int> hits = spread(300);
  EXPECT_NEAR(hits[0], 200, 10);
}

TEST_F(WeightedTest, AServerOfWhichNothingIsKnownCountsByItsWeight) {
  make({1, 1});
  config_.demand = Demand::kSpeed;
  for (int i = 0; i < 20; ++i) {
    for (int k = 0; k < 10; ++k) finish(pick(), Result::kOk, 5ms);
    tick();
  }
  settle(1, {.flags = kDown});
  settle(1, {});  // back, and unknown
  const std::vector<int> hits = spread(100);
  EXPECT_NEAR(hits[1], 50, 2);
  EXPECT_EQ(view(1).demand, 1);
}

TEST_F(WeightedTest, InALargePoolAServerGetsItsPartByWeight) { expect_parts_by_weight(); }

TEST_F(WeightedTest, InALargePoolTheRestShareWhatServersThatAreDownLeave) {
  expect_the_rest_shares_what_is_left();
}

}  // namespace
}  // namespace leastwise
