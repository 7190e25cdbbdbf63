// What the policies that go by weight keep in pools above 64 endpoints.
#ifndef LEASTWISE_TESTS_CORE_POLICIES_LARGE_POOL_H_
#define LEASTWISE_TESTS_CORE_POLICIES_LARGE_POOL_H_

#include <chrono>
#include <vector>

#include "core/pool_fixture.h"

namespace leastwise {

class LargePoolFixture : public PoolFixture {
 protected:
  // All in flight, and one after the other; within 2 %.
  void expect_parts_by_weight() {
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

  void expect_the_rest_shares_what_is_left() {
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
};

}  // namespace leastwise

#endif  // LEASTWISE_TESTS_CORE_POLICIES_LARGE_POOL_H_
