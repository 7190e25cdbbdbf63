#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

class LeastConnTest : public PoolFixture {
 protected:
  void SetUp() override { use("least_conn"); }
};

TEST_F(LeastConnTest, TheLeastLoadedIsPicked) {
  make({1, 1, 1});
  EXPECT_EQ(spread(9), (std::vector<int>{3, 3, 3}));
}

TEST_F(LeastConnTest, WeightsDivideTheLoad) {
  make({3, 1});
  EXPECT_EQ(spread(8), (std::vector<int>{6, 2}));
}

TEST_F(LeastConnTest, EqualsTakeTurnsAsInNginx) {
  make({5, 1, 1});
  EXPECT_EQ(sequence(7), "aabacaa");
}

TEST_F(LeastConnTest, InALargePoolAServerGetsItsPartByWeight) {
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

TEST_F(LeastConnTest, InALargePoolTheRestShareWhatServersThatAreDownLeave) {
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
