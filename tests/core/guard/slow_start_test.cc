#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class SlowStartTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("round_robin");
    config_.slow_start = 10s;
  }
  // Answers enough for the pool to have learned, and a tick.
  void work() {
    for (int i = 0; i < 60; ++i) {
      const Ticket t = pick();
      now_ += 1ms;
      finish(t, Result::kOk, 10ms);
    }
    tick();
  }
  void restart(std::size_t member) {
    settle(member, {.flags = kDown});
    tick();
    settle(member, {});
    tick();
  }
  int share(std::size_t member, int of = 1000) { return spread(of)[member]; }
};

TEST_F(SlowStartTest, WhoComesBackGetsATenthAndThenMore) {
  make({1, 1, 1});
  work();
  restart(1);
  // 0.1 : 1 : 1 of a thousand: 47.6; later 0.5 : 1 : 1, 200.
  EXPECT_NEAR(share(1), 48, 3);
  now_ += 4900ms;
  tick();
  EXPECT_NEAR(view(1).warmth, 0.5, 0.011);
  EXPECT_NEAR(share(1), 200, 5);
  now_ += 5s;
  tick();
  EXPECT_EQ(view(1).warmth, 1);
  EXPECT_NEAR(share(1), 333, 2);
}

TEST_F(SlowStartTest, WhoJoinsAPoolAtWorkIsRampedToo) {
  make({1, 1}, 8);
  work();
  const EndpointId joined = pool_.add("http/test/late");
  pool_.configure(joined, {});
  tick();
  EXPECT_NEAR(pool_.view(joined, config_, now_).warmth, 0.1, 1e-6);
}

TEST_F(SlowStartTest, APoolThatStartsRampsNobody) {
  make({1, 1, 1});
  for (int i = 0; i < 5; ++i) tick();
  work();
  for (std::size_t m = 0; m < 3; ++m) EXPECT_EQ(view(m).warmth, 1) << m;
}

TEST_F(SlowStartTest, AllWhoJoinAtOnceShareAsIfTheyWereWarm) {
  make({1, 1, 1, 1});
  work();
  for (std::size_t m = 0; m < 4; ++m) settle(m, {.flags = kDown});
  tick();
  for (std::size_t m = 0; m < 4; ++m) settle(m, {});
  tick();
  EXPECT_EQ(spread(400), (std::vector<int>{100, 100, 100, 100}));
}

TEST_F(SlowStartTest, LeastConnGivesItItsPartOfWhatIsInFlight) {
  make({1, 1});
  work();
  use("least_conn");
  restart(1);
  // n/weight is kept equal: 0.1 : 1 of 110 is 10.
  EXPECT_NEAR(share(1, 110), 10, 1);
}

TEST_F(SlowStartTest, AnEjectionEndsInASlowStart) {
  make({1, 1, 1});
  config_.outlier = true;
  work();
  for (int i = 0; i < 5; ++i) {
    const Ticket t = picker_.adopt(config_, {}, 0, now_);
    finish(t, Result::kServerError, 1ms);
  }
  tick();
  ASSERT_TRUE(view(0).ejected);
  now_ += 10s;
  tick();
  EXPECT_FALSE(view(0).ejected);
  EXPECT_NEAR(view(0).warmth, 0.1, 1e-6);
}

TEST_F(SlowStartTest, WithoutTheDirectiveTheWholeWeightIsThereAtOnce) {
  make({1, 1});
  config_.slow_start = {};
  work();
  restart(1);
  EXPECT_EQ(view(1).warmth, 1);
  EXPECT_EQ(spread(100), (std::vector<int>{50, 50}));
}

}  // namespace
}  // namespace leastwise
