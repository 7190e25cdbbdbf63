#include "pick/score_trees.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class ScoreTreesTest : public PoolFixture {
 protected:
  // A pool that has learned: each member answers at its own time, in order.
  void learn(std::size_t members, Duration fast, Duration slow) {
    make(std::vector<int>(members, 1));
    for (int round = 0; round < 40; ++round) {
      for (std::size_t i = 0; i < members; ++i) {
        const Ticket t = picker_.adopt(config_, {}, static_cast<MemberIndex>(i), now_);
        finish(t, Result::kOk, i % 2 == 0 ? fast : slow);
      }
      tick();
    }
  }
  Ticket once() {
    const Ticket t = pick();
    finish(t, Result::kOk, 10ms);
    return t;
  }
};

// Memory of the trees, filled by hand: scores in tree 1 by member.
class Nodes {
 public:
  explicit Nodes(std::uint32_t members)
      : nodes_(ScoreTrees::nodes_for(members)), trees_(nodes_.data(), members) {
    trees_.clear();
  }
  ScoreTrees& operator*() { return trees_; }
  ScoreTrees* operator->() { return &trees_; }

 private:
  std::vector<ScoreNode> nodes_;
  ScoreTrees trees_;
};

// Two scores from endpoints in flight: with nothing learned S is as good as the number in flight.
void load_with(state::Hot& hot, std::uint32_t in_flight) {
  hot.load.set(std::uint64_t{in_flight} << load::kWorkBits);
  hot.inverse_weight.set(1);
}

TEST(ScoreTreesUnitTest, FindsTheBestTwoOfAnyNumberOfMembers) {
  Plan plan{};
  plan.mean_cost.set(0.01F);
  plan.slowness.set(1);
  for (std::uint32_t q = 0; q < Plan::kTable; ++q) {
    plan.steps[q].wait.set(static_cast<float>(q));
    plan.steps[q].caution.set(1);
  }
  const auto score = ScoreTrees::score_for(plan, TimePoint(1h));
  Rng rng(1);
  for (const std::uint32_t members : {2U, 3U, 65U, 100U, 1000U, 1023U}) {
    Nodes trees(members);
    std::vector<std::uint32_t> in_flight(members);
    // Distances of two and more: far above the jitter of 1 %.
    std::iota(in_flight.begin(), in_flight.end(), 0U);
    for (std::uint32_t m = members; m > 1; --m)
      std::swap(in_flight[m - 1], in_flight[rng.below(m)]);
    for (std::uint32_t m = 0; m < members; ++m) {
      state::Hot hot{};
      load_with(hot, std::min(in_flight[m], 50U));
      trees->renew(m, hot, score, 0, 0, rng);
    }
    const auto least = std::ranges::min_element(in_flight) - in_flight.begin();
    for (std::size_t tree = 0; tree < ScoreTrees::kTrees; ++tree) {
      const auto best = trees->best_two(tree);
      EXPECT_EQ(best[0], least) << members;
      EXPECT_EQ(in_flight[best[1]], 1U) << members;
    }
    trees->bar(static_cast<MemberIndex>(least));
    EXPECT_EQ(in_flight[trees->best_two(1)[0]], 1U);
  }
}

TEST(ScoreTreesUnitTest, WhenAllAreBarredThereIsNone) {
  Nodes trees(70);
  EXPECT_EQ(trees->best_two(0), (std::array{kNoMember, kNoMember}));
}

TEST(ScoreTreesUnitTest, BarsWhoIsFlaggedOrFull) {
  const Plan plan{};
  const auto score = ScoreTrees::score_for(plan, TimePoint(1h));
  Rng rng(1);
  Nodes trees(3);
  state::Hot hot{};
  load_with(hot, 2);
  hot.flags.set(kDown);
  trees->renew(0, hot, score, kDown, 0, rng);
  hot.flags.set(0);
  hot.max_conns.set(2);
  trees->renew(1, hot, score, kDown, 0, rng);
  hot.max_conns.set(3);
  trees->renew(2, hot, score, kDown, 0, rng);
  EXPECT_EQ(trees->best_two(1), (std::array{MemberIndex{2}, kNoMember}));
}

TEST_F(ScoreTreesTest, AnIdlePoolSendsNothingToTheSlowHalf) {
  learn(200, 10ms, 40ms);
  for (int i = 0; i < 50; ++i) once();  // grows the trees
  for (int i = 0; i < 300; ++i) {
    const Ticket t = once();
    EXPECT_EQ(t.member % 2, 0U);
    EXPECT_EQ(t.reason, Reason::kPolicy);
  }
}

TEST_F(ScoreTreesTest, RequestsInFlightSpreadOverTheFastHalf) {
  learn(200, 10ms, 40ms);
  for (int i = 0; i < 50; ++i) once();
  std::set<MemberIndex> used;
  for (int i = 0; i < 100; ++i) used.insert(pick().member);
  // A full scan would take each of the hundred fast ones once. A leaf's jitter may send a second
  // request to a server whose wait for two is small.
  EXPECT_GE(used.size(), 70U);
}

TEST_F(ScoreTreesTest, WhoGoesDownIsPickedNoMoreAndComesBack) {
  learn(100, 10ms, 10ms);
  for (int i = 0; i < 50; ++i) once();
  for (std::size_t i = 1; i < 100; ++i) settle(i, {.flags = kDown});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(once().member, 0U);
  for (std::size_t i = 1; i < 100; ++i) settle(i, {});
  std::set<MemberIndex> used;
  for (int i = 0; i < 300; ++i) used.insert(pick().member);
  EXPECT_GT(used.size(), 50U);
}

TEST_F(ScoreTreesTest, ARetryGoesElsewhere) {
  learn(100, 10ms, 20ms);
  for (int i = 0; i < 50; ++i) once();
  Tried tried;
  std::set<MemberIndex> used;
  for (int i = 0; i < 20; ++i) {
    const Ticket t = picker_.pick(config_, {}, tried, now_);
    ASSERT_TRUE(t);
    EXPECT_TRUE(used.insert(t.member).second);
  }
}

TEST_F(ScoreTreesTest, BackupsAreNoLeaves) {
  std::vector<int> weights(100, 1);
  weights.push_back(-1);
  make(weights);
  for (int i = 0; i < 200; ++i) {
    EXPECT_NE(once().member, 100U);
    tick();
  }
  for (std::size_t i = 0; i < 100; ++i) settle(i, {.flags = kDown});
  EXPECT_EQ(once().reason, Reason::kBackup);
}

}  // namespace
}  // namespace leastwise
