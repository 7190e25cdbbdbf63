#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class WeightedTest : public PoolFixture {
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

TEST_F(WeightedTest, InALargePoolAServerGetsItsPartByWeight) {
  std::vector<int> one(100, 1);
  one[7] = 99;
  make(one);
  EXPECT_NEAR(spread(19'800)[7], 9900, 198);
  std::vector<int> two(1000, 1);
  two[3] = two[900] = 499;
  make(two);
  const std::vector<int> hits = spread(9980);
  EXPECT_NEAR(hits[3] + hits[900], 4990, 100);
  EXPECT_NEAR(hits[3], 2495, 50);
  EXPECT_NEAR(hits[500], 5, 1);
  make(two);
  int heavy = 0;
  for (int i = 0; i < 9980; ++i) {
    const Ticket t = pick();
    heavy += t.member == 3 || t.member == 900 ? 1 : 0;
    now_ += std::chrono::milliseconds(1);
    finish(t);
  }
  EXPECT_NEAR(heavy, 4990, 100) << "one after the other";
}

TEST_F(WeightedTest, InALargePoolTheRestShareWhatServersThatAreDownLeave) {
  std::vector<int> weights(200, 1);
  weights[0] = weights[1] = 50;
  make(weights);
  for (std::size_t m = 1; m < 150; ++m) settle(m, {.flags = kDown});
  const std::vector<int> hits = spread(2000);
  for (std::size_t m = 1; m < 150; ++m) EXPECT_EQ(hits[m], 0) << m;
  EXPECT_NEAR(hits[0], 1000, 40);
  EXPECT_NEAR(hits[199], 20, 2);
  settle(1, {.weight = 50});
  EXPECT_GT(spread(4000)[1], 600);
}

}  // namespace
}  // namespace leastwise
