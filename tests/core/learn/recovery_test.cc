// Who was slow and is well again: learn/slowness.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

// A request each millisecond to four servers that take 10 ms, or what slow_ says for the first.
class RecoveryTest : public PoolFixture {
 protected:
  // How many of a second's requests the first server got.
  int second() {
    int first = 0;
    for (int ms = 0; ms < 1000; ++ms) {
      now_ += 1ms;
      while (!out_.empty() && out_.front().first <= now_) {
        finish(out_.front().second);
        out_.pop_front();
      }
      const Ticket t = pick();
      first += t.member == 0 ? 1 : 0;
      const TimePoint end = now_ + (t.member == 0 ? slow_ : 10ms);
      const auto later = std::ranges::find_if(out_, [&](const auto& o) { return o.first > end; });
      out_.insert(later, {end, t});
      if (ms % 100 == 0) pool_.tick(config_, now_);
    }
    return first;
  }
  int seconds(int n) {
    int last = 0;
    for (int i = 0; i < n; ++i) last = second();
    return last;
  }

  Duration slow_ = 10ms;
  std::deque<std::pair<TimePoint, Ticket>> out_;
};

TEST_F(RecoveryTest, AfterABrownOutAServerHasItsShareBackWithinThreeSeconds) {
  make({1, 1, 1, 1});
  seconds(10);
  slow_ = 200ms;
  EXPECT_LT(seconds(6), 20);  // of 250
  slow_ = 10ms;
  seconds(2);
  EXPECT_GT(second(), 175);  // 0.7 of 250
}

TEST_F(RecoveryTest, AServerThatWasSlowFromItsFirstAnswerIsAskedAgain) {
  make({1, 1, 1, 1});
  slow_ = 200ms;
  seconds(30);
  int asked = 0;
  for (int i = 0; i < 40; ++i) asked += second();
  EXPECT_LT(asked, 400);  // 1 % of 40,000
  slow_ = 10ms;
  seconds(20);
  EXPECT_GT(second(), 125);  // half of its share of 250
}

TEST_F(RecoveryTest, WhoIsNewIsAskedAtOnceThoughAnIdleServerIsFaster) {
  make({1, 1, 1});
  for (int i = 0; i < 400; ++i) {
    const Ticket t = pick();
    now_ += t.member == 0 ? 8ms : 10ms;
    finish(t);
    pool_.tick(config_, now_);
  }
  members_.push_back({.id = pool_.add("http/test/10.0.0.3:80")});
  pool_.configure(members_.back().id, {});
  picker_memory_ = Memory(Picker::bytes_for(members_.size()));
  ASSERT_TRUE(Picker::create(pool_, slot_, members_, picker_memory_.span(), 1, picker_).ok());
  tick();
  EXPECT_EQ(sequence(5, 10ms).find('d'), 0U);
  // One that is never heard of again is not asked on and on.
  members_.push_back({.id = pool_.add("http/test/10.0.0.4:80")});
  pool_.configure(members_.back().id, {});
  picker_memory_ = Memory(Picker::bytes_for(members_.size()));
  ASSERT_TRUE(Picker::create(pool_, slot_, members_, picker_memory_.span(), 1, picker_).ok());
  tick();
  ASSERT_EQ(pick().member, 4U);
  tick();
  EXPECT_EQ(sequence(20, 10ms).find('e'), std::string::npos);
}

TEST_F(RecoveryTest, AServerThatStaysSlowIsAskedNowAndThenOnly) {
  make({1, 1, 1, 1});
  seconds(10);
  slow_ = 200ms;
  seconds(10);
  int asked = 0;
  for (int i = 0; i < 20; ++i) asked += second();
  // Not oftener than every 2 s, and then by less than ten requests each time until the first
  // answers.
  EXPECT_GT(asked, 0);
  EXPECT_LT(asked, 200);  // 1 % of 20,000
}

TEST_F(RecoveryTest, WhoWasLeftOutAndPassesItsProbeHasPaidForItsFailures) {
  make({1, 1});
  settle(0, {.max_fails = 1});
  seconds(5);
  for (int i = 0; i < 3; ++i) {
    finish(picker_.adopt(config_, {.in_flight = {}}, 0, now_), Result::kRefused);
  }
  ASSERT_GT(view(0).error_share, 0.1);
  now_ += 11s;  // fail_timeout
  seconds(1);
  EXPECT_EQ(view(0).error_share, 0);
  EXPECT_GT(second(), 350);  // 0.7 of 500
}

// Down for three seconds in the middle of a light load; then its share of each second, of 500.
TEST_F(RecoveryTest, WhoRefusedConnectionsIsTriedAgainWithinSeconds) {
  make({1, 1});
  seconds(5);
  int failures = 0;
  for (int i = 0; i < 3000; ++i) {
    now_ += 1ms;
    const Ticket t = pick();
    failures += t.member == 0 ? 1 : 0;
    finish(t, t.member == 0 ? Result::kRefused : Result::kOk, t.member == 0 ? Duration(100) : 10ms);
    if (i % 100 == 0) pool_.tick(config_, now_);
  }
  EXPECT_LT(failures, 15);  // of 1,500
  seconds(3);
  EXPECT_GT(second(), 350);  // 0.7 of 500
}

TEST_F(RecoveryTest, WhoFailedIsAskedWhenFailTimeoutIsOver) {
  make({1, 1});
  settle(0, {.max_fails = 1});
  seconds(5);
  for (int i = 0; i < 10; ++i) {
    finish(picker_.adopt(config_, {.in_flight = {}}, 0, now_), Result::kTimeout, 10ms);
  }
  ASSERT_GT(view(0).error_share, 0.3);
  EXPECT_EQ(seconds(9), 0);
  seconds(2);
  EXPECT_GT(second(), 350);
}

}  // namespace
}  // namespace leastwise
