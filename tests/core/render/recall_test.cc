// What a pool remembers of late: the last minute of an endpoint, the pool's last ten, and
// decisions.
#include <gtest/gtest.h>

#include <string>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class RecallTest : public PoolFixture {
 protected:
  void wait(Duration time) {
    for (const TimePoint end = now_ + time; now_ < end;) tick();
  }
  // A request that takes so long, and a tick.
  void serve(Duration took, Result result = Result::kOk) {
    const Ticket ticket = pick();
    ASSERT_TRUE(ticket);
    now_ += took;
    finish(ticket, result, took);
    tick();
  }
  PoolView pool_view() { return pool_.view(); }
  std::uint64_t decided(Reason reason) {
    return pool_view().decisions[static_cast<std::size_t>(reason)];
  }
};

TEST_F(RecallTest, TheLastMinuteHasItsOwnQuantiles) {
  make({1});
  tick();
  for (int i = 0; i < 100; ++i) serve(200ms);
  wait(120s);
  // 98 of 10 ms and 2 of 1 s, all within the last ten seconds.
  for (int i = 0; i < 100; ++i) finish(pick(), Result::kOk, i % 50 == 0 ? 1s : 10ms);
  const WindowView w = view(0).window;
  EXPECT_GT(w.seconds, 20);
  EXPECT_LE(w.seconds, 70);
  EXPECT_EQ(w.answers, 100U);
  EXPECT_EQ(w.responses[2], 100U);
  // A bucket is 25 % wide.
  EXPECT_NEAR(w.p50, 0.010F, 0.0025F);
  EXPECT_NEAR(w.p99, 1.0F, 0.25F);
}

TEST_F(RecallTest, WhoJustJoinedHasNoLastMinute) {
  make({1});
  EXPECT_EQ(view(0).window.seconds, 0);
  tick();
  now_ += 5s;
  finish(pick(), Result::kOk, 10ms);
  EXPECT_EQ(view(0).window.answers, 1U);
}

TEST_F(RecallTest, FailuresOfTheLastMinuteAreCountedApart) {
  make({1});
  tick();
  for (int i = 0; i < 10; ++i) serve(1ms, i < 3 ? Result::kReset : Result::kOk);
  EXPECT_EQ(view(0).window.failures, 3U);
  EXPECT_EQ(view(0).window.answers, 10U);
}

TEST_F(RecallTest, TenMinutesAreKeptInStepsOfTenSeconds) {
  make({1, 1});
  wait(15 * 60s);
  MomentView m;
  std::size_t n = 0;
  while (pool_.moment(n, now_, m)) ++n;
  EXPECT_GE(n, 59U);
  EXPECT_LE(n, 61U);
  for (int i = 0; i < 40; ++i) serve(100ms, i % 4 == 0 ? Result::kReset : Result::kOk);
  wait(10s);
  ASSERT_TRUE(pool_.moment(0, now_, m));
  std::uint32_t answers = 0, failures = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool_.moment(i, now_, m));
    answers += m.answers;
    failures += m.failures;
    EXPECT_NEAR(m.span, 10, 0.3);
  }
  EXPECT_EQ(answers, 40U);
  EXPECT_EQ(failures, 10U);
}

TEST_F(RecallTest, AStepWithoutTicksIsNoStep) {
  make({1});
  tick();
  now_ += 1h;
  tick();
  MomentView m;
  EXPECT_FALSE(pool_.moment(0, now_, m));
  wait(11s);
  EXPECT_TRUE(pool_.moment(0, now_, m));
}

TEST_F(RecallTest, WithoutADecisionThereIsNone) {
  make({1});
  Decision d;
  EXPECT_FALSE(pool_.decision(0, now_, d));
  wait(500ms);
  pick();
  EXPECT_TRUE(pool_.decision(0, now_, d));
  EXPECT_FALSE(pool_.decision(1, now_, d));
}

TEST_F(RecallTest, WhoWasTriedIsNamed) {
  make({1, 1, 1});
  wait(500ms);
  Tried tried;
  tried.insert(1);
  picker_.pick(config_, {.in_flight = {}}, tried, now_);
  Decision d;
  ASSERT_TRUE(pool_.decision(0, now_, d));
  EXPECT_EQ(d.left_out[0].id, members_[1].id);
  EXPECT_EQ(d.left_out[0].why, LeftOut::kTried);
}

TEST_F(RecallTest, ADecisionIsWrittenDownWithWhatItWasComparedWith) {
  make({1, 1, 1, 1});
  for (int i = 0; i < 200; ++i) serve(10ms);
  settle(3, {.flags = kDown});
  wait(500ms);
  const Ticket ticket = pick();
  Decision d;
  ASSERT_TRUE(pool_.decision(0, now_, d));
  EXPECT_EQ(d.chosen.id, ticket.id);
  EXPECT_EQ(d.reason, Reason::kPolicy);
  EXPECT_EQ(d.candidates, 3U);
  EXPECT_NEAR(d.chosen.delay, 0.010, 0.002);
  EXPECT_EQ(d.second.id, members_[ticket.second].id);
  EXPECT_NEAR(d.second.delay, 0.010, 0.002);
  EXPECT_EQ(d.left_out[0].id, members_[3].id);
  EXPECT_EQ(d.left_out[0].why, LeftOut::kDown);
  EXPECT_EQ(d.left_out[1].id, kNoEndpoint);
}

TEST_F(RecallTest, WhoIsDearByItsFailuresIsNamed) {
  make({1, 1});
  for (int i = 0; i < 200; ++i) serve(10ms);
  for (int i = 0; i < 3; ++i) finish(picker_.adopt(config_, {}, 1, now_), Result::kReset, 1ms);
  wait(500ms);
  pick();
  Decision d;
  ASSERT_TRUE(pool_.decision(0, now_, d));
  EXPECT_EQ(d.left_out[0].id, members_[1].id);
  EXPECT_EQ(d.left_out[0].why, LeftOut::kErrors);
  EXPECT_GT(d.left_out[0].figure, 0.05F);
}

TEST_F(RecallTest, OfManyDecisionsTwoASecondAreKept) {
  make({1, 1});
  std::size_t n = 0;
  Decision d;
  for (int i = 0; i < 120; ++i) {
    for (int k = 0; k < 50; ++k) finish(pick(), Result::kOk, 1ms);
    tick();
  }
  while (n < Decision::kShown && pool_.decision(n, now_, d)) ++n;
  EXPECT_EQ(n, Decision::kShown);
  EXPECT_NEAR(d.age, 0.5 * Decision::kShown, 0.6);
}

TEST_F(RecallTest, LargePoolsInTurnTellOfTheirDecisionsToo) {
  make(std::vector<int>(100, 1));
  use("round_robin");
  wait(500ms);
  const Ticket ticket = pick();
  Decision d;
  ASSERT_TRUE(pool_.decision(0, now_, d));
  EXPECT_EQ(d.chosen.id, ticket.id);
}

TEST_F(RecallTest, PicksAreCountedByTheirReason) {
  make({1, 1, -1});
  for (int i = 0; i < 10; ++i) finish(pick(), Result::kOk, 1ms);
  EXPECT_EQ(decided(Reason::kUnlearned), 10U);
  settle(0, {.flags = kDown});
  finish(pick(), Result::kOk, 1ms);
  EXPECT_EQ(decided(Reason::kOnly), 1U);
  settle(1, {.flags = kDown});
  finish(pick(), Result::kOk, 1ms);
  EXPECT_EQ(decided(Reason::kBackup), 1U);
  finish(picker_.adopt(config_, {}, 0, now_), Result::kOk, 1ms);
  EXPECT_EQ(decided(Reason::kFrontEnd), 1U);
  EXPECT_EQ(decided(Reason::kPolicy), 0U);
  settle(0, {});
  settle(1, {});
  use("round_robin");
  for (int i = 0; i < 7; ++i) finish(pick(), Result::kOk, 1ms);
  EXPECT_EQ(decided(Reason::kPolicy), 7U);
}

TEST_F(RecallTest, TheCountOfDecisionsNeverFallsWhenServersComeAndGo) {
  make({1, 1}, 2);
  use("round_robin");
  for (int i = 0; i < 10; ++i) finish(pick(), Result::kOk, 1ms);
  pool_.retire(members_[0].id);
  ASSERT_NE(pool_.add("http/test/another:80"), kNoEndpoint);
  EXPECT_EQ(decided(Reason::kPolicy), 10U);
}

TEST_F(RecallTest, HistoryMovesAlongWhenAPoolGrows) {
  make({1});
  tick();
  for (int i = 0; i < 30; ++i) serve(1s);
  Memory memory(Pool::bytes_for(32));
  Pool larger;
  ASSERT_TRUE(Pool::create(memory.span(), 32, larger).ok());
  ASSERT_TRUE(larger.migrate(pool_).ok());
  MomentView m;
  EXPECT_TRUE(larger.moment(0, now_, m));
  const EndpointId id = larger.find("http/test/10.0.0.0:80");
  EXPECT_EQ(larger.view(id, config_, now_).window.answers, view(0).window.answers);
  EXPECT_GT(view(0).window.answers, 0U);
}

TEST_F(RecallTest, WhateverMemoryHoldsTheViewIsFinite) {
  make({1});
  pick();
  for (std::size_t i = 0; i < 40; ++i) {
    Decision d;
    MomentView m;
    pool_.decision(i, now_ - 1h, d);
    EXPECT_FALSE(pool_.moment(i, now_ - 1h, m));
  }
}

}  // namespace
}  // namespace leastwise
