#include <gtest/gtest.h>

#include "core/policies/large_pool.h"

namespace leastwise {
namespace {

class LeastConnTest : public LargePoolFixture {
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

TEST_F(LeastConnTest, InALargePoolAServerGetsItsPartByWeight) { expect_parts_by_weight(); }

TEST_F(LeastConnTest, InALargePoolTheRestShareWhatServersThatAreDownLeave) {
  expect_the_rest_shares_what_is_left();
}

}  // namespace
}  // namespace leastwise
