// A pool that nobody uses and of which nothing is pending: learn/rest.h.
#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class RestTest : public PoolFixture {
 protected:
  void SetUp() override {
    make({1, 1});
    // Who joins may have died in a row before: the first ticks look after that.
    for (int i = 0; i < 10; ++i) tick();
    ASSERT_TRUE(pool_.is_at_rest());
  }
  bool rests_after_a_tick() {
    tick();
    return pool_.is_at_rest();
  }
};

TEST_F(RestTest, NoPoolRestsBeforeItsFirstTick) {
  make({1, 1});
  EXPECT_FALSE(pool_.is_at_rest());
}

TEST_F(RestTest, NotWhileARequestIsInFlight) {
  const Ticket ticket = pick();
  EXPECT_FALSE(rests_after_a_tick());
  finish(ticket);
  EXPECT_TRUE(rests_after_a_tick());
}

TEST_F(RestTest, NotWhileOneIsEjectedNorBeforeThatWasSeen) {
  pool_.eject(members_[0].id, 10s, now_);
  EXPECT_FALSE(pool_.is_at_rest());
  EXPECT_FALSE(rests_after_a_tick());
  now_ += 11s;
  tick();
  EXPECT_TRUE(rests_after_a_tick());
}

TEST_F(RestTest, NotBeforeAChangeWasSeen) {
  pool_.change(members_[0].id, {.fields = Change::kWeight, .to = {.weight = 7}});
  EXPECT_FALSE(pool_.is_at_rest());
  EXPECT_TRUE(rests_after_a_tick());
}

TEST_F(RestTest, NotWhileOneFails) {
  settle(0, {.max_fails = 1});
  for (int i = 0; i < 20; ++i) {
    const Ticket ticket = pick();
    finish(ticket, ticket.member == 0 ? Result::kRefused : Result::kOk, 1ms);
  }
  EXPECT_FALSE(rests_after_a_tick());
}

TEST_F(RestTest, NotWhileOneWarmsUp) {
  sequence(100);
  tick();
  config_.slow_start = 30s;
  settle(0, {.flags = kDown});
  tick();
  settle(0, {});
  EXPECT_FALSE(rests_after_a_tick());
  now_ += 31s;
  EXPECT_TRUE(rests_after_a_tick());
}

TEST_F(RestTest, NotWhereLoadIsReported) {
  config_.report = ReportMetric("on");
  EXPECT_FALSE(rests_after_a_tick());
}

}  // namespace
}  // namespace leastwise
