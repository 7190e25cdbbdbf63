#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class PeakEwmaTest : public PoolFixture {
 protected:
  void SetUp() override { use("peak_ewma"); }

  // Answers of these times, one after another, until the pool's mean is known.
  void drive(int ticks, const std::vector<Duration>& times) {
    for (int i = 0; i < ticks; ++i) {
      for (int k = 0; k < 10; ++k) {
        const Ticket t = pick();
        finish(t, Result::kOk, times[t.member]);
      }
      tick();
    }
  }
  // One more answer of member m.
  void answer(MemberIndex m, Duration took, Result result = Result::kOk) {
    finish(picker_.adopt(config_, {.route = 0, .in_flight = {}}, m, now_), result, took);
  }
  // What each member of two costs when nothing is in flight.
  std::map<MemberIndex, float> costs() {
    const Ticket t = pick();
    finish(t, Result::kCancelled);
    return {{t.member, t.score}, {t.second, t.second_score}};
  }
  void make_unknown(std::size_t m) {
    settle(m, {.weight = 1, .flags = kDown});
    settle(m, {.weight = 1});
  }
};

TEST_F(PeakEwmaTest, EveryPairIsDrawnEquallyOften) {
  make({1, 1, 1, 1});
  // 12,000 draws over 6 pairs: 2,000 each, σ = √(n p (1-p)) = 41; 5σ.
  std::map<std::pair<MemberIndex, MemberIndex>, int> pairs;
  for (int i = 0; i < 12'000; ++i) {
    const Ticket t = pick();
    ++pairs[std::minmax(t.member, t.second)];
    finish(t, Result::kCancelled);
  }
  ASSERT_EQ(pairs.size(), 6U);
  for (const auto& [pair, hits] : pairs) EXPECT_NEAR(hits, 2'000, 205);
}

TEST_F(PeakEwmaTest, BeforeAnythingIsKnownTheLoadDecides) {
  make({2, 1});
  EXPECT_EQ(pick().reason, Reason::kUnlearned);
  const std::vector<int> hits = spread(29);
  EXPECT_NEAR(hits[0], 19, 1);  // 1 before, so 20 of 30
}

TEST_F(PeakEwmaTest, APeakCountsAtOnceAndFadesByTheDecayTime) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  make_unknown(1);
  answer(0, 500ms);
  auto c = costs();
  const float mean = c[1];  // what is unknown counts as the mean
  EXPECT_GT(mean, 0.004F);
  EXPECT_LT(mean, 0.006F);
  EXPECT_NEAR(c[0], 0.5, 1e-4);
  now_ += config_.decay;
  EXPECT_NEAR(costs()[0], mean + (0.5F - mean) * std::exp(-1.0F), 5e-4);
  now_ += config_.decay;
  EXPECT_NEAR(costs()[0], mean + (0.5F - mean) * std::exp(-2.0F), 5e-4);
  now_ += 100 * config_.decay;
  EXPECT_NEAR(costs()[0], mean, 1e-6);
}

TEST_F(PeakEwmaTest, APeakIsNotFreshAgainWhenItsStampComesRound) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  answer(0, 500ms);
  const TimePoint then = now_;
  now_ += 20 * config_.decay;
  for (int i = 0; i < 16; ++i) tick();
  now_ = then + std::chrono::milliseconds(std::int64_t{1} << 32);
  EXPECT_LT(costs()[0], 0.006F);
}

TEST_F(PeakEwmaTest, AFasterAnswerMovesItByTheTimeSinceTheLast) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  answer(0, 500ms);
  answer(0, 100ms);  // at the same instant
  EXPECT_NEAR(costs()[0], 0.5, 1e-4);
  now_ += config_.decay;
  answer(0, 100ms);
  EXPECT_NEAR(costs()[0], 0.1 + 0.4 * std::exp(-1.0), 1e-3);
}

TEST_F(PeakEwmaTest, TheFirstAnswerOfAnUnknownServerDoesNotMakeItFast) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  make_unknown(1);
  const float mean = costs()[1];
  answer(1, 10us);
  EXPECT_NEAR(costs()[1], mean, 1e-6);
}

TEST_F(PeakEwmaTest, TheCostIsTimeTimesInFlightPlusOneByWeight) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  const auto before = costs();
  settle(0, {.weight = 4});
  EXPECT_NEAR(costs()[0], before.at(0) / 4, 1e-6);
  picker_.adopt(config_, {.route = 0, .in_flight = {}}, 0, now_);
  picker_.adopt(config_, {.route = 0, .in_flight = {}}, 0, now_);
  EXPECT_NEAR(costs()[0], before.at(0) * 3 / 4, 1e-6);
}

TEST_F(PeakEwmaTest, AServerThatFailsFastIsNotFast) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  const auto before = costs();
  for (int i = 0; i < 10; ++i) answer(1, 100us, Result::kServerError);
  EXPECT_GT(costs()[1], 3 * before.at(1));
}

TEST_F(PeakEwmaTest, ATimeoutIsAPeak) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  answer(1, 3s, Result::kTimeout);
  EXPECT_GT(costs()[1], 3);
}

TEST_F(PeakEwmaTest, OtherPoliciesDoNotKeepTheAverage) {
  use("adaptive");
  make({1, 1});
  drive(20, {5ms, 50ms});
  answer(0, 5ms);
  answer(1, 50ms);
  use("peak_ewma");
  const auto c = costs();
  EXPECT_EQ(c.at(0), c.at(1));
}

TEST_F(PeakEwmaTest, AMigrationCarriesTheAverageAlong) {
  make({1, 1});
  drive(20, {5ms, 5ms});
  answer(0, 300ms);
  const auto before = costs();
  Memory memory(Pool::bytes_for(32));
  Pool grown;
  ASSERT_TRUE(Pool::create(memory.span(), 32, grown).ok());
  ASSERT_TRUE(grown.migrate(pool_).ok());
  std::vector<Member> members;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    members.push_back({.id = grown.find(view(m).name)});
  }
  const ProcessSlot slot = grown.join({.pid = 1}, everybody_lives);
  ASSERT_TRUE(Picker::create(grown, slot, members, picker_memory_.span(), 1, picker_).ok());
  EXPECT_NEAR(costs()[0], before.at(0), 1e-6);
}

}  // namespace
}  // namespace leastwise
