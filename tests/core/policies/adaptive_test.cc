#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class AdaptiveTest : public PoolFixture {
 protected:
  void SetUp() override { use("adaptive"); }
  void drive(int ticks, const std::vector<Duration>& times, Result of_last = Result::kOk) {
    for (int i = 0; i < ticks; ++i) {
      for (int k = 0; k < 10; ++k) {
        const Ticket t = pick();
        const bool last = t.member + 1 == members_.size();
        finish(t, last ? of_last : Result::kOk, times[t.member]);
      }
      tick();
    }
  }
};

TEST_F(AdaptiveTest, BeforeItHasLearnedItChoosesAsLeastConn) {
  make({1, 1});
  const Ticket a = pick();
  const Ticket b = pick();
  EXPECT_EQ(a.reason, Reason::kUnlearned);
  EXPECT_NE(a.member, b.member);
}

TEST_F(AdaptiveTest, ASlowServerGetsFewRequestsWhenNothingWaits) {
  make({1, 1, 1, 1});
  drive(50, {5ms, 5ms, 5ms, 40ms});
  std::vector<std::uint64_t> before;
  for (std::size_t i = 0; i < 4; ++i) before.push_back(view(i).picks);
  drive(50, {5ms, 5ms, 5ms, 40ms});
  EXPECT_LT(view(3).picks - before[3], 500 / 20);
}

TEST_F(AdaptiveTest, UnderLoadTheSlowServerGetsItsPart) {
  make({1, 1});
  drive(50, {5ms, 10ms});
  const std::vector<int> hits = spread(60);
  EXPECT_GT(hits[0], hits[1]);
  EXPECT_GT(hits[1], 5);
}

TEST_F(AdaptiveTest, AServerThatFailsFastIsNotFast) {
  make({1, 1, 1});
  drive(30, {5ms, 5ms, 5ms});
  const std::uint64_t before = view(2).picks;
  drive(50, {5ms, 5ms, 100us}, Result::kServerError);
  EXPECT_LT(view(2).picks - before, 500 / 20);
  EXPECT_GT(view(2).error_share, 0);
}

// Of two servers one is 8 times as slow: least_conn would give it half of the requests.
TEST_F(AdaptiveTest, WithTheGuardLeastConnHasItNowAndThen) {
  make({1, 1});
  config_.switchback = true;
  drive(20, {5ms, 40ms});
  int by_guard = 0;
  int of_those_slow = 0;
  for (int i = 0; i < 200; ++i) {
    for (int k = 0; k < 10; ++k) {
      const Ticket t = pick();
      finish(t, Result::kOk, t.member == 0 ? 5ms : 40ms);
      if (t.reason != Reason::kSwitchback) continue;
      EXPECT_EQ(pool_.chooser(), Chooser::kControl);
      ++by_guard;
      of_those_slow += t.member == 1 ? 1 : 0;
    }
    tick();
  }
  EXPECT_GE(by_guard, 100);  // 100 in a second; one to three of twenty, as the draw is
  EXPECT_LE(by_guard, 300);
  EXPECT_NEAR(of_those_slow, by_guard / 2, 5);
  const PoolView model = pool_.view();
  EXPECT_NEAR(model.control_seconds, 0.0225, 0.002);
  EXPECT_LT(model.policy_seconds, 0.010);
}

TEST_F(AdaptiveTest, WithoutTheGuardLeastConnNeverHasIt) {
  make({1, 1});
  config_.switchback = true;
  for (int i = 0; i < 200 && pool_.chooser() != Chooser::kControl; ++i) drive(1, {5ms, 5ms});
  ASSERT_EQ(pool_.chooser(), Chooser::kControl);
  config_.switchback = false;  // by a reload
  drive(1, {5ms, 5ms});
  EXPECT_EQ(pool_.chooser(), Chooser::kPolicy);
  for (int i = 0; i < 200; ++i) {
    drive(1, {5ms, 5ms});
    ASSERT_EQ(pool_.chooser(), Chooser::kPolicy);
  }
}

TEST_F(AdaptiveTest, ADearRouteAvoidsTheServerThatIsBusy) {
  make({1, 1});
  drive(50, {5ms, 5ms});
  const std::uint32_t counts[] = {6, 0};
  Tried tried;
  EXPECT_EQ(picker_.pick(config_, {.route = 5, .in_flight = counts}, tried, now_).member, 1U);
}

TEST_F(AdaptiveTest, TheTicketTellsWhatWasExpected) {
  make({1, 1});
  drive(100, {5ms, 5ms});
  const Ticket t = pick();
  EXPECT_EQ(t.reason, Reason::kPolicy);
  EXPECT_NEAR(t.delay, 0.005, 0.001);
  EXPECT_NE(t.second, kNoMember);
  EXPECT_LE(t.score, t.second_score);
}

TEST_F(AdaptiveTest, AWeightOfTwoIsWorthHalfTheDelay) {
  make({2, 1});
  drive(80, {5ms, 5ms});
  const std::vector<int> hits = spread(30);
  EXPECT_GT(hits[0], hits[1] + 4);
}

TEST_F(AdaptiveTest, WhoFailsAtOnceGetsNotTheFirstRequests) {
  make({1, 1, 1});
  int failures = 0;
  std::vector<Ticket> open;
  for (int i = 0; i < 200; ++i) {
    const Ticket t = pick();
    if (t.member == 1) {
      ++failures;
      finish(t, Result::kServerError, 1ms);
    } else {
      open.push_back(t);
    }
    now_ += 1ms;
    if (open.size() < 8) continue;
    finish(open.front(), Result::kOk, 20ms);
    open.erase(open.begin());
  }
  EXPECT_EQ(view(0).in_flight + view(2).in_flight, open.size());
  EXPECT_LE(failures, 4);
}

}  // namespace
}  // namespace leastwise
