// Stamps come round: nothing that was learned may come back with them.
#include "learn/age.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/pool_fixture.h"
#include "words/estimates.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;
using std::chrono::hours;

constexpr hours kDay{24};
constexpr std::size_t kTicksForAll = 16;

class AgeTest : public PoolFixture {
 protected:
  void SetUp() override { make({1, 1, 1, 1}); }
  state::Header& header() { return *reinterpret_cast<state::Header*>(memory_.span().data()); }
  state::Shared shared() { return {&header(), static_cast<std::uint32_t>(pool_.capacity())}; }
  state::Record& record(std::size_t member) {
    return shared().records()[index(members_[member].id)];
  }
  Learned& learned(std::size_t member) { return shared().learned()[index(members_[member].id)]; }

  void answers(MemberIndex member, int n, Result result = Result::kOk, Duration took = 5ms) {
    for (int i = 0; i < n; ++i) {
      finish(picker_.adopt(config_, {.in_flight = {}}, member, now_), result, took);
    }
  }
  void ticks(std::size_t n = kTicksForAll) {
    for (std::size_t i = 0; i < n; ++i) tick();
  }
  // Nothing happens but ticks, a few of them at each of `times`, counted from now.
  void idle(std::initializer_list<Duration> times) {
    const TimePoint from = now_;
    for (const Duration after : times) {
      now_ = from + after;
      ticks();
    }
  }
  // A tick that finds the memory as it was left so long before.
  void sleep(Duration time) {
    now_ += time;
    tick();
  }
};

TEST_F(AgeTest, AnErrorShareThatHasFadedDoesNotComeBackAfterTwentyFiveDays) {
  config_.outlier = true;
  for (const MemberIndex m : {0U, 1U, 2U, 3U}) answers(m, 20);
  answers(0, 9, Result::kServerError);
  ASSERT_GT(view(0).error_share, 0.35);
  const TimePoint failed = now_;
  idle({10min});
  EXPECT_EQ(view(0).error_share, 0);
  for (const int days : {24, 25, 26, 40, 49}) {
    now_ = failed + days * kDay;
    EXPECT_EQ(view(0).error_share, 0) << days;
    tick();
    EXPECT_EQ(view(0).ejections[static_cast<std::size_t>(Ejection::kFailures)], 0U) << days;
  }
}

TEST_F(AgeTest, NorWhenNobodyTickedMeanwhile) {
  for (const Duration gap : {Duration(25 * kDay), Duration(30 * kDay), Duration(1ms * (1LL << 32)),
                             Duration(60 * kDay)}) {
    answers(0, 20, Result::kServerError);
    ticks(1);
    ASSERT_GT(view(0).error_share, 0.5);
    sleep(gap);
    EXPECT_EQ(view(0).error_share, 0) << gap.count();
    EXPECT_EQ(shared().hot()[index(members_[0].id)].error.get(), 0U);
  }
}

TEST_F(AgeTest, NorAfterTheClockBeganAgain) {
  now_ += 20 * kDay;
  answers(0, 20, Result::kServerError);
  ticks(1);
  now_ = TimePoint{1min};  // the machine was started again, and the memory is a file
  tick();
  EXPECT_EQ(view(0).error_share, 0);
}

TEST_F(AgeTest, AnAnswerTimeOfLastMonthIsUnknown) {
  use("least_time");
  answers(0, 50, Result::kOk, 500ms);
  ticks(1);
  ASSERT_NE(record(0).answer_time.get(), 0U);
  sleep(30 * kDay);
  EXPECT_EQ(record(0).answer_time.get(), 0U);
}

TEST_F(AgeTest, ALoadReportOfFiftyDaysAgoIsNoneOfNow) {
  config_.report = ReportMetric("on");
  Outcome full{.result = Result::kOk, .status = 200, .occupied = 5ms};
  full.report = {.state = LoadReport::State::kGood, .cpu = 1, .memory = 1, .utilisation = 1};
  picker_.finish(config_, pick(), full, now_);
  ticks(1);
  const TimePoint said = now_;
  idle({2min});
  now_ = said + 1ms * (1LL << 32);
  for (std::size_t m = 0; m < 4; ++m) EXPECT_EQ(view(m).reported_utilisation, -1) << m;
}

TEST_F(AgeTest, WhatTheMixtureKeepsOfAServerFadesThoughItsStampLiesAhead) {
  answers(0, 100);
  ticks(1);
  ASSERT_GT(learned(0).mixture.delay, 0);
  const TimePoint answered = now_;
  idle({20min});
  now_ = answered + 30 * kDay;
  answers(0, 1);
  ticks(1);
  EXPECT_LT(learned(0).mixture.delay, 0.006);
}

// 256 landmarks, each of two decay times.
TEST_F(AgeTest, AServersSpeedDoesNotComeBackWhenItsLandmarkDoes) {
  for (int i = 0; i < 2; ++i) {
    answers(0, 50);
    ticks(1);
  }
  ASSERT_TRUE(view(0).known);
  sleep(256 * 2 * config_.decay);
  EXPECT_FALSE(view(0).known);
}

TEST_F(AgeTest, WhenAllFailedAndThenNobodyAsksNobodyIsAnOutlier) {
  config_.outlier = true;
  for (const MemberIndex m : {0U, 1U, 2U, 3U}) answers(m, 30 + static_cast<int>(m), Result::kReset);
  for (int i = 0; i < 2000; ++i) {
    tick();
    for (std::size_t m = 0; m < 4; ++m) ASSERT_FALSE(view(m).ejected) << i << " ticks, " << m;
  }
  EXPECT_EQ(record(0).failures_in_a_row.get(), 0U) << "they are as old as the share";
}

TEST_F(AgeTest, ARowOfFailuresIsStillSeen) {
  config_.outlier = true;
  for (const MemberIndex m : {0U, 1U, 2U, 3U}) answers(m, 20);
  answers(2, 5, Result::kReset);
  tick();
  EXPECT_TRUE(view(2).ejected);
}

TEST_F(AgeTest, FailuresOfAnHourAgoDoNotCountTowardsMaxFails) {
  settle(0, {.max_fails = 2, .fail_timeout = 10s});
  Outcome bad{.result = Result::kReset};
  bad.counts_as_fail = true;
  picker_.finish(config_, picker_.adopt(config_, {.in_flight = {}}, 0, now_), bad, now_);
  ticks();
  EXPECT_EQ(view(0).fails, 1U);
  idle({2h});
  EXPECT_EQ(view(0).fails, 0U);
}

TEST_F(AgeTest, AClockThatWentBackDoesNotKeepAServerUnavailable) {
  settle(0, {.max_fails = 1, .fail_timeout = 10s});
  Outcome bad{.result = Result::kReset};
  bad.counts_as_fail = true;
  picker_.finish(config_, picker_.adopt(config_, {.in_flight = {}}, 0, now_), bad, now_);
  ASSERT_TRUE(view(0).unavailable);
  now_ -= 3h;
  EXPECT_FALSE(view(0).unavailable);
  ticks();
  EXPECT_EQ(view(0).fails, 0U);
}

TEST_F(AgeTest, TimeLeftOfAnEjectionIsNeverNegative) {
  config_.outlier = true;
  for (const MemberIndex m : {0U, 1U, 2U, 3U}) answers(m, 20);
  answers(2, 5, Result::kReset);
  tick();
  ASSERT_TRUE(view(2).ejected);
  now_ += 30 * kDay;
  EXPECT_EQ(view(2).ejected_for, 0);
}

TEST_F(AgeTest, ABucketOfTheHistogramHoldsMoreThanFourBillions) {
  answers(0, 1, Result::kOk, 5ms);
  const std::size_t bucket = Histogram::bucket(5ms);
  record(0).times[bucket].add((std::uint64_t{1} << 32) - 1);
  EXPECT_EQ(pool_.histogram_count(members_[0].id, bucket), std::uint64_t{1} << 32);
  answers(0, 1, Result::kOk, 5ms);
  EXPECT_EQ(pool_.histogram_count(members_[0].id, bucket), (std::uint64_t{1} << 32) + 1);
  EXPECT_EQ(view(0).occupied, (std::uint64_t{1} << 32) + 1);
}

TEST_F(AgeTest, ARouteThatWasAskedForFourBillionTimesIsNotNewAgain) {
  Routes routes{};
  const std::uint16_t slot = routes.find(7);
  std::uint32_t count = 0;
  // A slot has 16 words of 32 bits, and the counter is the ninth: set by the bytes, which nothing
  // else can reach.
  auto* const samples = reinterpret_cast<std::uint32_t*>(&routes) + slot * 16 + 8;
  ASSERT_EQ(routes.count(slot, 1), 1U);
  ASSERT_EQ(*samples, 1U);
  *samples = ~0U - 3;
  for (int i = 0; i < 10; ++i) count = routes.count(slot, 1);
  EXPECT_GT(count, 1000U);
}

TEST(LoadOverflowTest, WorkNeverRunsOverIntoTheCount) {
  std::uint64_t word = 0;
  for (std::uint32_t n = 1; n <= 2000; ++n) {
    word += load::of(1e9F, word);  // 2,000 requests of an hour are more than the word can hold
    ASSERT_EQ(load::in_flight(word), n);
  }
  EXPECT_GT(load::work(word), 5 * 86'400);
}

TEST_F(AgeTest, ALateTickDoesNotTakeItsPicksForARush) {
  for (int i = 0; i < 100; ++i) {
    answers(0, 10);
    ticks(1);
  }
  const float rate = record(0).rate.get();
  EXPECT_NEAR(rate, 100, 10);
  answers(0, 500);  // of five seconds
  sleep(4900ms);
  EXPECT_NEAR(record(0).rate.get(), rate, 10);
}

TEST_F(AgeTest, APoolThatGrewCountsNoPicksTwice) {
  answers(0, 1000);
  ticks(40);
  const std::size_t bigger = 64;
  Memory memory(Pool::bytes_for(bigger));
  Pool next;
  ASSERT_TRUE(Pool::create(memory.span(), bigger, next).ok());
  ASSERT_TRUE(next.migrate(pool_).ok());
  now_ += Pool::kTickPeriod;
  next.tick(config_, now_);
  const state::Shared to(reinterpret_cast<state::Header*>(memory.span().data()), bigger);
  const EndpointId id = next.find(view(0).name);
  EXPECT_EQ(to.records()[index(id)].rate.get(), 0);
}

TEST_F(AgeTest, APoolThatGrewIsAsOldAsItWas) {
  answers(0, 20, Result::kServerError);
  ticks(1);
  const std::size_t bigger = 64;
  Memory memory(Pool::bytes_for(bigger));
  Pool next;
  ASSERT_TRUE(Pool::create(memory.span(), bigger, next).ok());
  ASSERT_TRUE(next.migrate(pool_).ok());
  now_ += 30 * kDay;
  next.tick(config_, now_);
  EXPECT_EQ(next.view(next.find(view(0).name), config_, now_).error_share, 0);
}

}  // namespace
}  // namespace leastwise
