#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

// Servers 2 and 3 are elsewhere.
class LocalityTest : public PoolFixture {
 protected:
  void SetUp() override {
    make({1, 1, 1, 1});
    settle(2, {.flags = kRemote});
    settle(3, {.flags = kRemote});
  }
  void learn() {
    for (int i = 0; i < 200; ++i) {
      const Ticket t = pick();
      now_ += 1ms;
      finish(t, Result::kOk, 10ms);
      if (i % 10 == 9) tick();
    }
  }
  int remote(const std::vector<int>& hits) { return hits[2] + hits[3]; }
};

TEST_F(LocalityTest, WhileTheNearHaveRoomNothingLeaves) {
  learn();
  EXPECT_EQ(remote(spread(6)), 0);
}

TEST_F(LocalityTest, WhenTheNearAreFullItSpillsOverByAndBy) {
  learn();
  const std::vector<int> hits = spread(60);
  EXPECT_GT(remote(hits), 10);
  EXPECT_LT(remote(hits), 30) << "the price is paid for each";
}

TEST_F(LocalityTest, AtNoPriceAllAreAlike) {
  config_.locality_price = {0};
  learn();
  EXPECT_NEAR(remote(spread(60)), 30, 4);
}

TEST_F(LocalityTest, WhenTheNearAreDownTheOthersServe) {
  learn();
  settle(0, {.flags = kDown});
  settle(1, {.flags = kDown});
  EXPECT_EQ(remote(spread(10)), 10);
}

TEST_F(LocalityTest, ThePriceIsNotTakenForSlowness) {
  learn();
  EXPECT_NEAR(view(2).slowness, view(0).slowness, 0.2F * view(0).slowness);
  EXPECT_EQ(view(2).base, 0);
}

}  // namespace
}  // namespace leastwise
