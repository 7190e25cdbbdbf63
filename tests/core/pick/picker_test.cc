#include "leastwise/picker.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

using PickerTest = PoolFixture;

TEST_F(PickerTest, IdleItIsSmoothWeightedRoundRobinAsNginxHasIt) {
  make({5, 1, 1});
  EXPECT_EQ(sequence(14), "aabacaaaabacaa");
}

TEST_F(PickerTest, ARetryGoesElsewhereAndThenGivesUp) {
  make({1, 1, 1});
  Tried tried;
  std::vector<MemberIndex> seen;
  for (int i = 0; i < 3; ++i) {
    const Ticket t = picker_.pick(config_, {}, tried, now_);
    ASSERT_TRUE(t);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), t.member), 0);
    seen.push_back(t.member);
  }
  EXPECT_FALSE(picker_.pick(config_, {}, tried, now_));
}

TEST_F(PickerTest, WhatIsAnsweredKeepsItsPlaceButNotItsWork) {
  make({1});
  settle(0, {.max_conns = 2});
  Ticket a = pick();
  Ticket b = pick();
  const Outcome outcome{.result = Result::kOk, .status = 101, .occupied = 1ms};
  picker_.answered(config_, a, outcome, now_);
  picker_.answered(config_, b, outcome, now_);
  EXPECT_EQ(view(0).in_flight, 2U);
  EXPECT_EQ(view(0).held, 2U);
  EXPECT_EQ(view(0).work_in_flight, 0);
  EXPECT_EQ(view(0).results[static_cast<std::size_t>(Result::kOk)], 2U);
  EXPECT_FALSE(pick());
  picker_.release(config_, a, now_);
  EXPECT_EQ(view(0).in_flight, 1U);
  EXPECT_EQ(view(0).held, 1U);
  EXPECT_EQ(view(0).results[static_cast<std::size_t>(Result::kOk)], 2U);
  EXPECT_TRUE(pick());
}

TEST_F(PickerTest, WhatIsAnsweredIsNotAheadOfOthers) {
  make({1});
  for (int i = 0; i < 8; ++i) {
    Ticket t = pick();
    picker_.answered(config_, t, {.result = Result::kOk, .occupied = 1ms}, now_);
  }
  tick();
  const Ticket next = pick();
  EXPECT_EQ(next.in_flight, 8U);
  EXPECT_EQ(next.at_server, 0U);
}

TEST_F(PickerTest, HeldPlacesOfTheDeadAreForgotten) {
  make({1});
  for (int i = 0; i < 3; ++i) {
    Ticket t = pick();
    picker_.answered(config_, t, {.result = Result::kOk, .occupied = 1ms}, now_);
  }
  ASSERT_EQ(pool_.heal({.pid = 99}, nobody_lives), 3U);
  tick();
  EXPECT_EQ(view(0).held, 0U);
  EXPECT_EQ(pick().at_server, 0U);
}

TEST_F(PickerTest, EveryFinishUndoesOnePick) {
  make({1});
  const Ticket a = pick();
  const Ticket b = pick();
  EXPECT_EQ(b.in_flight, 1U);
  EXPECT_EQ(view(0).in_flight, 2U);
  finish(a, Result::kTimeout);
  finish(b, Result::kCancelled);
  EXPECT_EQ(view(0).in_flight, 0U);
  EXPECT_EQ(view(0).work_in_flight, 0);
  EXPECT_EQ(view(0).picks, 2U);
}

TEST_F(PickerTest, AFalseTicketFinishesNothing) {
  make({1});
  finish(Ticket{});
  EXPECT_EQ(view(0).in_flight, 0U);
}

TEST_F(PickerTest, DownAndDrainingMembersAreNotPicked) {
  make({1, 1, 1});
  settle(0, {.flags = kDown});
  settle(1, {.flags = kDraining});
  EXPECT_EQ(spread(30), (std::vector<int>{0, 0, 30}));
}

TEST_F(PickerTest, BackupsComeOnlyWhenNoneOfTheOthersCanBePicked) {
  make({1, 1, -1});
  EXPECT_EQ(spread(30)[2], 0);
  settle(0, {.flags = kDown});
  settle(1, {.flags = kDown});
  const Ticket t = pick();
  EXPECT_EQ(t.member, 2U);
  EXPECT_EQ(t.reason, Reason::kBackup);
}

TEST_F(PickerTest, ARetryReachesTheBackup) {
  make({1, -1});
  Tried tried;
  EXPECT_EQ(picker_.pick(config_, {}, tried, now_).member, 0U);
  EXPECT_EQ(picker_.pick(config_, {}, tried, now_).member, 1U);
}

TEST_F(PickerTest, PanicUsesDrainingMembersButNeverThoseThatAreDown) {
  make({1, 1});
  settle(0, {.flags = kDraining});
  settle(1, {.flags = kDown});
  const Ticket t = pick();
  EXPECT_EQ(t.member, 0U);
  EXPECT_EQ(t.reason, Reason::kPanic);
}

TEST_F(PickerTest, MaxConnsHoldsOnOurOwnCount) {
  make({1, 1});
  settle(0, {.max_conns = 2});
  settle(1, {.max_conns = 3});
  EXPECT_EQ(spread(10), (std::vector<int>{2, 3}));
  EXPECT_FALSE(pick());
}

TEST_F(PickerTest, MaxFailsTakesAServerOutAndOneProbeBringsItBack) {
  make({1, 1});
  settle(0, {.max_fails = 2, .fail_timeout = 10s});
  int failed = 0;
  while (failed < 2) {
    const Ticket t = pick();
    if (t.member == 0) ++failed;
    finish(t, t.member == 0 ? Result::kReset : Result::kOk, 1ms);
  }
  EXPECT_TRUE(view(0).unavailable);
  EXPECT_EQ(sequence(10), "bbbbbbbbbb");
  now_ += 10s;
  // One attempt goes to see; while it is under way the others stay away.
  std::vector<Ticket> open;
  for (int i = 0; i < 10; ++i) open.push_back(pick());
  EXPECT_EQ(std::count_if(open.begin(), open.end(), [](const Ticket& t) { return t.member == 0; }),
            1);
  for (const Ticket& t : open) finish(t, Result::kOk, 1ms);
  EXPECT_FALSE(view(0).unavailable);
  EXPECT_EQ(view(0).fails, 0U);
}

TEST_F(PickerTest, AProbeThatFailsKeepsTheServerOut) {
  make({1, 1});
  settle(0, {.max_fails = 1, .fail_timeout = 10s});
  for (int i = 0; i < 2; ++i) {
    const Ticket t = pick();
    finish(t, t.member == 0 ? Result::kRefused : Result::kOk, 1ms);
  }
  now_ += 10s;
  for (int i = 0; i < 2; ++i) {
    const Ticket t = pick();
    finish(t, t.member == 0 ? Result::kRefused : Result::kOk, 1ms);
  }
  EXPECT_TRUE(view(0).unavailable);
  EXPECT_EQ(sequence(5), "bbbbb");
}

TEST_F(PickerTest, WhenAllFailedTooOftenEachIsTriedAgainHalfASecondLaterByOneRequestAtATime) {
  make({1, 1});
  for (std::size_t m = 0; m < 2; ++m) {
    settle(m, {.max_fails = 1, .fail_timeout = 10s});
    finish(picker_.adopt(config_, {}, static_cast<MemberIndex>(m), now_), Result::kRefused, 1ms);
  }
  EXPECT_FALSE(pick());
  now_ += 499ms;
  EXPECT_FALSE(pick());
  now_ += 1ms;
  Tried tried;
  const Ticket a = picker_.pick(config_, {}, tried, now_);
  const Ticket b = picker_.pick(config_, {}, tried, now_);
  ASSERT_TRUE(a && b);
  EXPECT_NE(a.member, b.member);
  EXPECT_EQ(a.reason, Reason::kPanic);
  now_ += 2s;
  EXPECT_FALSE(pick());  // neither has answered yet
  finish(a, Result::kRefused, 1ms);
  finish(b, Result::kOk, 1ms);
  EXPECT_FALSE(view(b.member).unavailable);
  EXPECT_TRUE(view(a.member).unavailable);
  EXPECT_EQ(pick().member, b.member);
}

TEST_F(PickerTest, WhileAnotherServesOneThatFailedIsLeftAloneForFailTimeout) {
  make({1, 1});
  settle(0, {.max_fails = 1, .fail_timeout = 10s});
  finish(picker_.adopt(config_, {}, 0, now_), Result::kRefused, 1ms);
  now_ += 9s;
  EXPECT_EQ(sequence(4), "bbbb");
}

TEST_F(PickerTest, FailuresFarApartDoNotAddUp) {
  make({1});
  settle(0, {.max_fails = 2, .fail_timeout = 10s});
  finish(pick(), Result::kReset, 1ms);
  now_ += 11s;
  finish(pick(), Result::kOk, 1ms);
  finish(pick(), Result::kReset, 1ms);
  EXPECT_FALSE(view(0).unavailable);
}

TEST_F(PickerTest, AFailureThatDoesNotCountIsLearnedButTakesNothingOut) {
  make({1});
  settle(0, {.max_fails = 1});
  picker_.finish(config_, pick(), {.result = Result::kServerError, .counts_as_fail = false}, now_);
  EXPECT_FALSE(view(0).unavailable);
  EXPECT_GT(view(0).error_share, 0);
}

TEST_F(PickerTest, AfterATickThatFoundNothingSpecialAFailureIsStillSeenAtOnce) {
  make({1, 1});
  settle(0, {.max_fails = 1});
  tick();
  finish(picker_.adopt(config_, {}, 0, now_), Result::kReset, 1ms);
  EXPECT_EQ(sequence(4), "bbbb");
  tick();
  EXPECT_EQ(sequence(4), "bbbb");
}

TEST_F(PickerTest, WithoutMaxFailsFailuresNeverTakeAServerOut) {
  make({1});
  for (int i = 0; i < 50; ++i) {
    const Ticket t = pick();
    ASSERT_TRUE(t);
    finish(t, Result::kReset, 1ms);
  }
}

TEST_F(PickerTest, TheFrontEndsOwnCountsComeBeforeThePools) {
  make({1, 1, 1});
  const std::uint32_t counts[] = {4, 0, 9};
  Tried tried;
  const Ticket t = picker_.pick(config_, {.route = 0, .in_flight = counts}, tried, now_);
  EXPECT_EQ(t.member, 1U);
  EXPECT_EQ(t.second, 0U);
  EXPECT_EQ(t.in_flight, 0U);
}

TEST_F(PickerTest, AnAdoptedAttemptCountsLikeAPickedOne) {
  make({1, 1});
  settle(1, {.max_conns = 1, .flags = kDown});
  const Ticket a = picker_.adopt(config_, {}, 1, now_);
  const Ticket b = picker_.adopt(config_, {}, 1, now_);
  EXPECT_EQ(a.reason, Reason::kFrontEnd);
  EXPECT_EQ(view(1).in_flight, 2U);
  finish(a);
  finish(b);
  EXPECT_EQ(view(1).in_flight, 0U);
  EXPECT_FALSE(picker_.adopt(config_, {}, 7, now_));
}

TEST_F(PickerTest, OutcomesAreCounted) {
  make({1});
  picker_.finish(config_, pick(),
                 {.result = Result::kServerError,
                  .status = 503,
                  .connect = 2ms,
                  .first_byte = 5ms,
                  .occupied = 7ms,
                  .bytes_sent = 10,
                  .bytes_received = 20},
                 now_);
  finish(pick(), Result::kRefused);
  const EndpointView v = view(0);
  EXPECT_EQ(v.results[static_cast<std::size_t>(Result::kServerError)], 1U);
  EXPECT_EQ(v.results[static_cast<std::size_t>(Result::kRefused)], 1U);
  EXPECT_EQ(v.responses[5], 1U);
  EXPECT_EQ(v.bytes_sent, 10U);
  EXPECT_EQ(v.bytes_received, 20U);
  EXPECT_DOUBLE_EQ(v.connect_seconds, 0.002);
  EXPECT_DOUBLE_EQ(v.first_byte_seconds, 0.005);
}

TEST_F(PickerTest, ABackupBeforeAPrimaryIsRefused) {
  make({1, 1});
  Memory memory(Picker::bytes_for(2));
  Picker picker;
  const Member members[] = {{members_[0].id, true}, {members_[1].id, false}};
  EXPECT_FALSE(Picker::create(pool_, slot_, members, memory.span(), 1, picker).ok());
}

TEST_F(PickerTest, AMemberOutsideOfThePoolIsRefused) {
  make({1});
  Memory memory(Picker::bytes_for(1));
  Picker picker;
  const Member members[] = {{EndpointId{1'000'000}, false}};
  EXPECT_EQ(Picker::create(pool_, slot_, members, memory.span(), 1, picker).code(),
            Status::Code::kOutOfRange);
}

TEST_F(PickerTest, InAPoolOfAThousandEveryServerIsReachedAndTheOnlyOneUpIsFound) {
  make(std::vector<int>(1000, 1));
  const std::vector<int> hits = spread(20'000);
  EXPECT_EQ(std::accumulate(hits.begin(), hits.end(), 0), 20'000);
  // 16 draws, the least loaded wins: nobody is far from the mean of 20.
  for (const int h : hits) {
    EXPECT_GE(h, 10);
    EXPECT_LE(h, 30);
  }
  for (std::size_t i = 0; i < 1000; ++i) {
    if (i != 777) settle(i, {.flags = kDown});
  }
  EXPECT_EQ(pick().member, 777U);
}

}  // namespace
}  // namespace leastwise
