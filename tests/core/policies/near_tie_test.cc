// What an operator sees who looks at the shares: equal servers, weights, and noise.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/pool_fixture.h"
#include "leastwise/rng.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class NearTieTest : public PoolFixture {
 protected:
  // So many requests, one after the other, each with an exponential time times what slow_ says.
  std::vector<int> one_at_a_time(int requests) {
    std::vector<int> picks(count_);
    for (int i = 0; i < requests; ++i) {
      now_ += 5ms;
      const Ticket t = pick();
      ++picks[t.member];
      now_ += time_of(t.member);
      finish_after(t, now_ - t.start);
      if (i % 5 == 0) pool_.tick(config_, now_);
    }
    return picks;
  }
  // The same with a request every `gap`, so that several are in flight.
  std::vector<int> open_loop(int requests, Duration gap) {
    std::vector<int> picks(count_);
    std::vector<std::pair<TimePoint, Ticket>> out;
    for (int i = 0; i < requests; ++i) {
      now_ += gap;
      std::erase_if(out, [&](const auto& o) {
        if (o.first > now_) return false;
        finish_after(o.second, o.first - o.second.start);
        return true;
      });
      const Ticket t = pick();
      ++picks[t.member];
      out.emplace_back(now_ + time_of(t.member), t);
      if (i % 10 == 0) pool_.tick(config_, now_);
    }
    for (const auto& o : out) finish_after(o.second, o.first - o.second.start);
    return picks;
  }
  void start(const std::vector<int>& weights) {
    make(weights);
    count_ = weights.size();
    slow_.resize(count_, 1);
    one_at_a_time(500);  // learns
  }
  Duration time_of(MemberIndex member) {
    const double u = (static_cast<double>(rng_.below(1'000'000)) + 1) / 1'000'001;
    return Duration(static_cast<std::int64_t>(-10'000 * std::log(u) * slow_[member]) + 1);
  }
  void finish_after(const Ticket& t, Duration took) {
    Outcome outcome{.status = 200, .occupied = took, .round_trip = 100us};
    if (!reported_.empty()) {
      outcome.report = {LoadReport::State::kGood, reported_[t.member], LoadReport::kUnknown,
                        reported_[t.member]};
    }
    picker_.finish(config_, t, outcome, now_);
  }

  std::size_t count_ = 0;
  std::vector<double> slow_;
  std::vector<float> reported_;  // utilisation; empty: nobody reports
  Rng rng_{7};
};

TEST_F(NearTieTest, EqualServersAreUsedEquallyHoweverNoisyTheirTimesAre) {
  start({1, 1, 1, 1, 1, 1, 1, 1});
  for (const int picks : one_at_a_time(1600)) EXPECT_NEAR(picks, 200, 40);
}

TEST_F(NearTieTest, AlsoUnderLoad) {
  start({1, 1, 1, 1, 1, 1, 1, 1});
  open_loop(4000, 1ms);
  for (const int picks : open_loop(8000, 1ms)) EXPECT_NEAR(picks, 1000, 80);
}

// Two old machines say nothing of the other six.
TEST_F(NearTieTest, EqualsAreSoBesideSomeThatAreFourTimesSlower) {
  start({1, 1, 1, 1, 1, 1, 1, 1});
  slow_[6] = slow_[7] = 4;
  open_loop(8000, 2ms);
  const std::vector<int> picks = open_loop(6000, 2ms);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(picks[i], 1000, 150) << i;
  EXPECT_LT(picks[6] + picks[7], 200);
}

TEST_F(NearTieTest, AServerThatIsTwiceAsSlowIsNoTie) {
  start({1, 1, 1, 1});
  slow_[0] = 2;
  one_at_a_time(2000);
  EXPECT_LT(one_at_a_time(2000)[0], 100);
}

TEST_F(NearTieTest, WeightsAreSharesOneAtATime) {
  start({1, 2, 3, 4});
  const std::vector<int> picks = one_at_a_time(2000);
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(picks[static_cast<std::size_t>(i)], 200 * (i + 1), 20 * (i + 1)) << i;
}

TEST_F(NearTieTest, WeightsAreSharesAlsoOfWhoLearnsBeforeTheFirstTick) {
  make({1, 2, 3, 4});
  sequence(160, 100us);
  pool_.catch_up(config_, now_);
  ASSERT_TRUE(pool_.view().learned);
  ASSERT_EQ(pool_.view().ticks, 0U);
  const std::string picks = sequence(100, 100us);
  EXPECT_EQ(std::ranges::count(picks, 'a'), 10);
  EXPECT_EQ(std::ranges::count(picks, 'd'), 40);
}

TEST_F(NearTieTest, WeightsAreSharesUnderLoad) {
  start({1, 2, 3, 4});
  open_loop(2000, 2ms);
  const std::vector<int> picks = open_loop(4000, 2ms);
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(picks[static_cast<std::size_t>(i)], 400 * (i + 1), 80 * (i + 1)) << i;
}

TEST_F(NearTieTest, ACanaryHasItsShareThoughItDiffersByATenth) {
  for (const double slow : {1.0, 1.1, 0.9}) {
    start({19, 1});
    slow_[1] = slow;
    one_at_a_time(2000);
    EXPECT_NEAR(one_at_a_time(2000)[1], 100, 20) << slow;
  }
}

TEST_F(NearTieTest, AWeightOfOneBesideAHundredIsNotForgotten) {
  start({100, 1});
  const std::vector<int> picks = one_at_a_time(2020);
  EXPECT_NEAR(picks[1], 20, 2);
}

// One that others have filled counts as dearer, and gets so much less among equals.
TEST_F(NearTieTest, WhoReportsThatItIsFullHasASmallerShare) {
  ASSERT_TRUE(set(config_, *find_directive("report"), "on").ok());
  reported_ = {.3F, .3F, .3F, .3F};
  start({1, 1, 1, 1});
  one_at_a_time(500);
  reported_[0] = .95F;
  EXPECT_LT(one_at_a_time(400)[0], 75);  // of 100
}

TEST_F(NearTieTest, OfDifferentServersWeightCountsInTheScore) {
  start({3, 1});
  slow_[1] = 3;
  one_at_a_time(2000);
  EXPECT_LT(one_at_a_time(1000)[1], 50);
}

}  // namespace
}  // namespace leastwise
