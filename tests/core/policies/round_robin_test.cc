#include <gtest/gtest.h>

#include "core/policies/large_pool.h"

namespace leastwise {
namespace {

class RoundRobinTest : public LargePoolFixture {
 protected:
  void SetUp() override { use("round_robin"); }
};

TEST_F(RoundRobinTest, IsSmooth) {
  make({5, 1, 1});
  EXPECT_EQ(sequence(7), "aabacaa");
}

TEST_F(RoundRobinTest, KnowsNothingOfLoad) {
  make({1, 1});
  EXPECT_EQ(spread(10), (std::vector<int>{5, 5}));
}

TEST_F(RoundRobinTest, InAPoolOfAThousandEachHasItsTurn) {
  make(std::vector<int>(1000, 1));
  for (const int h : spread(3000)) EXPECT_EQ(h, 3);
}

TEST_F(RoundRobinTest, InAPoolOfAHundredWeightsHold) {
  std::vector<int> weights(100, 1);
  weights[7] = 5;
  make(weights);
  const std::vector<int> hits = spread(104 * 20);
  EXPECT_NEAR(hits[7], 100, 8);
  EXPECT_NEAR(hits[50], 20, 3);
}

TEST_F(RoundRobinTest, InALargePoolAServerGetsItsPartByWeight) { expect_parts_by_weight(); }

TEST_F(RoundRobinTest, InALargePoolTheRestShareWhatServersThatAreDownLeave) {
  expect_the_rest_shares_what_is_left();
}

}  // namespace
}  // namespace leastwise
