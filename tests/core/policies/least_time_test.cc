#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class LeastTimeTest : public PoolFixture {
 protected:
  void SetUp() override { use("least_time"); }

  void drive(int ticks, const std::vector<Duration>& times) {
    for (int i = 0; i < ticks; ++i) {
      for (int k = 0; k < 10; ++k) {
        const Ticket t = pick();
        finish(t, Result::kOk, times[t.member]);
      }
      tick();
    }
  }
  void answer(MemberIndex m, Duration took) {
    finish(picker_.adopt(config_, {.route = 0, .in_flight = {}}, m, now_), Result::kOk, took);
  }
};

TEST_F(LeastTimeTest, BeforeAnythingIsKnownEqualsTakeTurns) {
  make({1, 1, 1});
  EXPECT_EQ(sequence(6), "abcabc");
  EXPECT_EQ(pick().reason, Reason::kUnlearned);
}

TEST_F(LeastTimeTest, TheFastestOfAllIsFound) {
  make(std::vector<int>(10, 1));
  std::vector<Duration> times(10, 10ms);
  times[6] = 2ms;
  drive(400, times);  // five decay times
  const std::uint64_t before = view(6).picks;
  drive(100, times);
  EXPECT_GT(view(6).picks - before, 900U);
  EXPECT_EQ(pick().reason, Reason::kPolicy);
}

TEST_F(LeastTimeTest, UnderLoadSharesAreInverseToTime) {
  make({1, 1});
  for (int i = 0; i < 60; ++i) {
    answer(0, 10ms);
    answer(1, 20ms);
    tick();
  }
  // 10 (n+1) = 20 (m+1), n + m = 60: about 40 and 20. The first's average still comes down
  // from the mean that it began with.
  const std::vector<int> hits = spread(60);
  EXPECT_NEAR(hits[0], 39, 3);
}

TEST_F(LeastTimeTest, WeightsDivideTheTime) {
  make({3, 1});
  for (int i = 0; i < 20; ++i) {
    answer(0, 10ms);
    answer(1, 10ms);
    tick();
  }
  EXPECT_NEAR(spread(80)[0], 60, 3);
}

TEST_F(LeastTimeTest, AStallIsSeenWithItsFirstAnswer) {
  make({1, 1, 1, 1});
  drive(50, {5ms, 5ms, 5ms, 5ms});
  answer(2, 400ms);
  const std::uint64_t before = view(2).picks;
  drive(20, {5ms, 5ms, 5ms, 5ms});  // two seconds
  EXPECT_EQ(view(2).picks, before);
}

TEST_F(LeastTimeTest, AServerThatHangsDoesNotLookFasterTheLongerItIsSilent) {
  make({1, 1, 1, 1});
  drive(50, {5ms, 5ms, 5ms, 5ms});
  int hung = 0;
  for (int i = 0; i < 1200; ++i) {  // two minutes
    for (int k = 0; k < 10; ++k) {
      const Ticket t = pick();
      if (t.member == 3) {
        ++hung;  // never answers
      } else {
        finish(t, Result::kOk, 5ms);
      }
    }
    tick();
  }
  EXPECT_LE(hung, 3);  // of 12,000
}

TEST_F(LeastTimeTest, AServerThatRecoveredIsTriedAgain) {
  make({1, 1, 1, 1});
  drive(50, {5ms, 5ms, 5ms, 5ms});
  answer(2, 200ms);
  const std::uint64_t before = view(2).picks;
  Rng rng(5);
  for (int i = 0; i < 800; ++i) {  // ten decay times
    for (int k = 0; k < 10; ++k) {
      // No two answers take alike: the others' averages lie above the mean.
      finish(pick(), Result::kOk, 2ms + 6us * rng.below(1000));
    }
    tick();
  }
  // Tried within 195 ms e^(-t/8 s) ~ 3 ms, about half of the time, and a fourth of it then.
  EXPECT_GT(view(2).picks, before + 400);
}

}  // namespace
}  // namespace leastwise
