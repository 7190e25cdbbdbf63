#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class TickTest : public PoolFixture {
 protected:
  // Sequential traffic; member i takes times[i].
  void drive(int ticks, const std::vector<Duration>& times) {
    for (int i = 0; i < ticks; ++i) {
      for (int k = 0; k < 10; ++k) {
        const Ticket t = pick();
        // Uniform around the mean, so that the fastest answers are near zero.
        finish(t, Result::kOk, times[t.member] * (1 + 2 * rng_.below(1000)) / 1000);
      }
      tick();
    }
  }
  Rng rng_{5};
};

TEST_F(TickTest, OnePerPeriodRuns) {
  make({1});
  now_ += 100ms;
  EXPECT_TRUE(pool_.tick(config_, now_));
  EXPECT_FALSE(pool_.tick(config_, now_));
  EXPECT_FALSE(pool_.tick(config_, now_ + 99ms));
  EXPECT_TRUE(pool_.tick(config_, now_ + 100ms));
  EXPECT_EQ(pool_.view().ticks, 2U);
}

TEST_F(TickTest, WhoHasPatienceLeavesItToOthersForSoLong) {
  make({1});
  now_ += 100ms;
  ASSERT_TRUE(pool_.tick(config_, now_));
  EXPECT_FALSE(pool_.tick(config_, now_ + 999ms, 900ms));
  EXPECT_TRUE(pool_.tick(config_, now_ + 1000ms, 900ms));
  EXPECT_FALSE(pool_.tick(config_, now_ + 4000ms, 3s));
  EXPECT_TRUE(pool_.tick(config_, now_ + 4100ms, 3s));
  // The clock went back.
  EXPECT_TRUE(pool_.tick(config_, now_ - 1h, 3s));
}

TEST_F(TickTest, WhoIsBehindLearnsBeforeTheTick) {
  make({1, 1});
  sequence(159, 100us);
  EXPECT_FALSE(pool_.is_behind(slot_));
  sequence(1, 100us);
  EXPECT_TRUE(pool_.is_behind(slot_));
  EXPECT_FALSE(pool_.view().learned);
  pool_.catch_up(config_, now_);
  EXPECT_FALSE(pool_.is_behind(slot_));
  EXPECT_TRUE(pool_.view().learned);
  EXPECT_EQ(pool_.view().samples, 160U);
  EXPECT_EQ(pool_.view().ticks, 0U);
  EXPECT_TRUE(pool_.tick(config_, now_)) << "it is due as before";
}

TEST_F(TickTest, APlaceThatIsKeptForAMomentIsNothingToLearnFrom) {
  make({1, 1});
  sequence(100, 1ms);
  tick();
  ASSERT_TRUE(pool_.view().learned);
  const auto session = [&](Duration kept) {
    Ticket ticket = pick();
    now_ += 1ms;
    picker_.answered(config_, ticket, {.result = Result::kOk, .occupied = 1ms}, now_);
    now_ += kept;
    picker_.release(config_, ticket, now_);
  };
  for (int i = 0; i < 159; ++i) session(100us);
  EXPECT_FALSE(pool_.is_behind(slot_)) << "one entry each";
  pool_.catch_up(config_, now_);
  for (int i = 0; i < 80; ++i) session(1s);
  EXPECT_TRUE(pool_.is_behind(slot_)) << "two";
}

TEST_F(TickTest, NoAnswerIsLostByWhoCatchesUp) {
  make({1, 1});
  for (const bool catches_up : {false, true}) {
    const PoolView before = pool_.view();
    for (int i = 0; i < 1000; ++i) {
      sequence(1, 50us);
      if (catches_up && pool_.is_behind(slot_)) pool_.catch_up(config_, now_);
    }
    tick();
    const PoolView after = pool_.view();
    EXPECT_EQ(after.samples - before.samples, catches_up ? 1000U : 256U);
    EXPECT_EQ(after.samples_lost - before.samples_lost, catches_up ? 0U : 744U);
  }
}

TEST_F(TickTest, AfterThirtyTwoAnswersThePoolHasLearned) {
  make({1, 1});
  drive(3, {5ms, 5ms});
  EXPECT_FALSE(pool_.view().learned);
  drive(1, {5ms, 5ms});
  EXPECT_TRUE(pool_.view().learned);
  EXPECT_EQ(pool_.view().samples, 40U);
}

TEST_F(TickTest, TheMeanCostIsLearned) {
  make({1, 1});
  drive(100, {5ms, 5ms});
  // Work and slowness are known up to a common factor; their product is a time.
  EXPECT_NEAR(pool_.view().mean_cost * pool_.view().slowness, 0.005, 0.0005);
}

TEST_F(TickTest, ASlowServerIsSeenToBeSlow) {
  make({1, 1, 1, 1});
  use("round_robin");
  drive(60, {5ms, 5ms, 5ms, 20ms});
  // Shrunk towards the pool's mean by four mean costs, so a little below 4.
  EXPECT_GT(view(3).slowness / view(0).slowness, 3);
  EXPECT_LT(view(3).slowness / view(0).slowness, 4.2);
}

TEST_F(TickTest, AnAnswerThatCountsTwiceCanNotBeMadeByTwoTicks) {
  make({1});
  finish(pick(), Result::kOk, 5ms);
  tick();
  tick();
  EXPECT_EQ(pool_.view().samples, 1U);
}

TEST_F(TickTest, WhenTheClockGoesBackThePolicyIsLeastConnUntilConfirmed) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  ASSERT_TRUE(pool_.view().learned);
  now_ -= 3h;
  tick();
  EXPECT_FALSE(pool_.view().learned);
  EXPECT_EQ(pick().reason, Reason::kUnlearned);
  drive(4, {5ms, 5ms});
  EXPECT_TRUE(pool_.view().learned);
}

TEST_F(TickTest, AnEndpointThatWasIdleForHoursIsUnknownAgain) {
  make({1});
  drive(20, {5ms});
  EXPECT_TRUE(view(0).known);
  now_ += 2h;
  tick();
  EXPECT_FALSE(view(0).known);
}

TEST_F(TickTest, AZoneThatIsFarAwayHasABase) {
  make({1, 1, 1});
  use("round_robin");
  for (int i = 0; i < 60; ++i) {
    for (int k = 0; k < 10; ++k) {
      const Ticket t = pick();
      finish(t, Result::kOk, t.member == 2 ? 25ms : 5ms);
    }
    tick();
  }
  EXPECT_NEAR(view(0).base, 0, 1e-4);
  EXPECT_NEAR(view(2).base, 0.020, 0.002);
}

TEST_F(TickTest, ServersThatAreGoneOrDownAreNobodysMeasureOfDistance) {
  make({1, 1, 1});
  for (int i = 0; i < 60; ++i) {
    for (MemberIndex m : {0U, 1U, 2U}) {
      finish(picker_.adopt(config_, {.in_flight = {}}, m, now_), Result::kOk, m == 2 ? 5ms : 25ms);
    }
    tick();
  }
  ASSERT_NEAR(view(0).base, 0.020, 0.002);
  pool_.retire(members_[2].id);
  for (int i = 0; i < 60; ++i) {
    for (MemberIndex m : {0U, 1U}) {
      finish(picker_.adopt(config_, {.in_flight = {}}, m, now_), Result::kOk, 25ms);
    }
    tick();
  }
  EXPECT_NEAR(view(0).base, 0, 1e-3);
}

TEST_F(TickTest, DistancesGoByRoundTripsWhereTheyAreTold) {
  make({1, 1, 1});
  const auto answer = [&](MemberIndex m, Duration round_trip) {
    picker_.finish(config_, picker_.adopt(config_, {.in_flight = {}}, m, now_),
                   {.result = Result::kOk,
                    .status = 200,
                    .occupied = m == 1 ? 2ms : 30ms,  // the second has cheap requests
                    .round_trip = round_trip},
                   now_);
  };
  for (int i = 0; i < 200; ++i) {
    // One in 16 tells.
    for (MemberIndex m : {0U, 1U, 2U}) {
      answer(m, i % 16 != 0 ? kUnknownDuration : m == 2 ? 15100us : 100us);
    }
    tick();
  }
  EXPECT_NEAR(view(0).base, 0, 1e-4);
  EXPECT_NEAR(view(1).base, 0, 1e-4);
  EXPECT_NEAR(view(2).base, 0.015, 1e-4);
}

// Ten requests in two seconds, one of sixteen of which is short.
TEST_F(TickTest, WhoIsAskedLittleIsNotFarAway) {
  make({1, 1});
  for (int i = 0; i < 600; ++i) {
    for (int k = 0; k < 20; ++k) {
      finish(picker_.adopt(config_, {.in_flight = {}}, 0, now_), Result::kOk, 5ms);
    }
    if (i % 2 == 0) {
      finish(picker_.adopt(config_, {.in_flight = {}}, 1, now_), Result::kOk,
             i % 32 == 0 ? 5ms : 40ms);
    }
    tick();
    EXPECT_NEAR(view(1).base, 0, 1e-3) << i;
  }
}

// Else it would get nothing but polls, which take as long next time.
TEST_F(TickTest, WhoIsAskedForLongPollsOnlyIsNotFarAway) {
  make({1, 1});
  const Request poll{.route = 7, .in_flight = {}, .name = {.own = "GET /poll", .family = {}}};
  for (int i = 0; i < 100; ++i) {
    for (const MemberIndex member : {0U, 1U}) {
      finish(picker_.adopt(config_, {.in_flight = {}}, member, now_), Result::kOk, 5ms);
    }
    tick();
  }
  for (int i = 0; i < 60; ++i) {
    finish(picker_.adopt(config_, {.in_flight = {}}, 0, now_), Result::kOk, 5ms);
    finish(picker_.adopt(config_, poll, 1, now_), Result::kOk, 15s);
    tick();
    ASSERT_LT(view(1).base, 0.010) << i;
  }
}

}  // namespace
}  // namespace leastwise
