#include "leastwise/pool.h"

#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class OutlierTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("least_conn");
    config_.outlier = true;
  }
  void answer(std::size_t member, Result result, Duration took = 10ms) {
    const Ticket t = picker_.adopt(config_, {}, static_cast<MemberIndex>(member), now_);
    now_ += 1ms;
    finish(t, result, took);
  }
  // So many good answers of each member.
  void all_answer(int each, Duration took = 10ms) {
    for (int i = 0; i < each; ++i) {
      for (std::size_t m = 0; m < members_.size(); ++m) answer(m, Result::kOk, took);
    }
  }
  void fail(std::size_t member, int times = 5) {
    for (int i = 0; i < times; ++i) answer(member, Result::kServerError, 1ms);
  }
  void wait(Duration time) {
    now_ += time;
    tick();
  }
};

TEST_F(OutlierTest, FiveFailuresInARowLeaveAServerOutAndNoPickGoesThere) {
  make({1, 1, 1, 1});
  all_answer(5);
  fail(2, 4);
  tick();
  EXPECT_FALSE(view(2).ejected);
  fail(2, 1);
  tick();
  EXPECT_TRUE(view(2).ejected);
  EXPECT_EQ(view(2).ejected_why, Ejection::kConsecutive);
  EXPECT_EQ(spread(40)[2], 0);
}

TEST_F(OutlierTest, ASuccessBetweenFailuresBreaksTheRow) {
  make({1, 1, 1, 1});
  all_answer(30);
  fail(2, 4);
  answer(2, Result::kOk);
  fail(2, 1);
  tick();
  EXPECT_FALSE(view(2).ejected);
}

TEST_F(OutlierTest, AShareOfFailuresFarAboveTheMedianIsEnough) {
  make({1, 1, 1, 1});
  // Three of four fail, never five in a row: the share tends to 0.75, and passes 0.3 after 10.
  for (int i = 0; i < 8; ++i) {
    fail(1, 3);
    all_answer(1);
  }
  tick();
  EXPECT_EQ(view(1).ejected_why, Ejection::kFailures);
}

TEST_F(OutlierTest, FourTimesTheMedianSlownessIsEnoughButThreeTimesIsNot) {
  make({1, 1, 1, 1, 1});
  for (int i = 0; i < 100; ++i) {
    for (std::size_t m = 0; m < 3; ++m) answer(m, Result::kOk, 10ms);
    answer(3, Result::kOk, 28ms);
    answer(4, Result::kOk, 120ms);
    if (i % 10 == 0) tick();
  }
  tick();
  EXPECT_EQ(view(4).ejected_why, Ejection::kLatency);
  EXPECT_FALSE(view(3).ejected);
}

TEST_F(OutlierTest, WhenAllFailNobodyIsAnOutlier) {
  make({1, 1, 1, 1});
  for (int i = 0; i < 20; ++i) {
    for (std::size_t m = 0; m < 4; ++m) fail(m, 1);
  }
  tick();
  for (std::size_t m = 0; m < 4; ++m) EXPECT_FALSE(view(m).ejected) << m;
}

TEST_F(OutlierTest, ItComesBackUnknownAndARelapseLastsTwiceAsLong) {
  make({1, 1, 1, 1});
  all_answer(20);
  fail(2);
  tick();
  ASSERT_TRUE(view(2).ejected);
  EXPECT_NEAR(view(2).ejected_for, 10, 0.2);
  wait(9s);
  EXPECT_TRUE(view(2).ejected);
  wait(1s);
  EXPECT_FALSE(view(2).ejected);
  EXPECT_FALSE(view(2).known);
  EXPECT_EQ(view(2).error_share, 0);
  EXPECT_GT(spread(40)[2], 0);

  fail(2);
  tick();
  EXPECT_NEAR(view(2).ejected_for, 20, 0.2);
  EXPECT_EQ(view(2).ejections[static_cast<std::size_t>(Ejection::kConsecutive)], 2U);
}

TEST_F(OutlierTest, GoodConductShortensTheNextEjection) {
  make({1, 1, 1, 1});
  fail(2);
  tick();
  wait(10s);  // comes back, after 10 s
  wait(10s);  // and was good for as long
  fail(2);
  tick();
  EXPECT_NEAR(view(2).ejected_for, 10, 0.2);
}

TEST_F(OutlierTest, NoMoreThanItsPartOfThePoolIsLeftOut) {
  make(std::vector<int>(10, 1));
  for (std::size_t m = 0; m < 4; ++m) fail(m);  // the median of ten still is good
  tick();
  int out = 0;
  for (std::size_t m = 0; m < 10; ++m) out += view(m).ejected ? 1 : 0;
  EXPECT_EQ(out, 3);  // 30 %
}

TEST_F(OutlierTest, OneOfTwoMayBeLeftOutButNeverTheLast) {
  make({1, 1});
  fail(0);
  tick();
  EXPECT_TRUE(view(0).ejected);
  fail(1);
  tick();
  EXPECT_FALSE(view(1).ejected);
  make({1});
  fail(0);
  tick();
  EXPECT_FALSE(view(0).ejected);
}

TEST_F(OutlierTest, WhenNothingElseCanBePickedOutliersAre) {
  make({1, 1, 1});
  fail(0);
  tick();
  ASSERT_TRUE(view(0).ejected);
  settle(1, {.flags = kDown});
  settle(2, {.flags = kDown});
  const Ticket t = pick();
  EXPECT_EQ(t.member, 0U);
  EXPECT_EQ(t.reason, Reason::kPanic);
}

TEST_F(OutlierTest, BackupsComeBeforeOutliers) {
  make({1, 1, -1});
  fail(0);
  tick();
  settle(1, {.flags = kDown});
  EXPECT_EQ(pick().reason, Reason::kBackup);
}

TEST_F(OutlierTest, ConfiguringAServerDoesNotBringItBack) {
  make({1, 1, 1});
  fail(0);
  tick();
  settle(0, {.weight = 5});
  EXPECT_TRUE(view(0).ejected);
  EXPECT_EQ(view(0).settings.weight, 5U);
}

TEST_F(OutlierTest, SwitchedOffItLetsEverybodyIn) {
  make({1, 1, 1});
  fail(0);
  tick();
  config_.outlier = false;
  tick();
  EXPECT_FALSE(view(0).ejected);
  fail(1, 50);
  tick();
  EXPECT_FALSE(view(1).ejected);
}

TEST_F(OutlierTest, AClockThatGoesBackEndsEjections) {
  make({1, 1, 1});
  fail(0);
  tick();
  now_ -= 1h;
  for (int i = 0; i < 30; ++i) tick();
  EXPECT_FALSE(view(0).ejected);
}

}  // namespace
}  // namespace leastwise
