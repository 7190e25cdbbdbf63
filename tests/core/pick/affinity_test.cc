#include <gtest/gtest.h>

#include <set>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class AffinityTest : public PoolFixture {
 protected:
  void SetUp() override { config_.affinity = {10}; }
  Ticket pick_key(std::uint64_t key) {
    Tried tried;
    return picker_.pick(config_, {.route = 0, .key = key, .in_flight = {}}, tried, now_);
  }
  void learn(int requests = 200) {
    for (int i = 0; i < requests; ++i) {
      const Ticket t = pick();
      now_ += 1ms;
      finish(t, Result::kOk, 10ms);
      if (i % 10 == 9) tick();
    }
  }
  MemberIndex home(std::uint64_t key) {
    const Ticket t = pick_key(key);
    finish(t, Result::kCancelled);
    return t.member;
  }
};

TEST_F(AffinityTest, AKeyHasAServerAndKeysSpread) {
  make({1, 1, 1, 1});
  learn();
  std::set<MemberIndex> homes;
  for (std::uint64_t key = 1; key <= 40; ++key) {
    homes.insert(home(key));
    for (int again = 0; again < 5; ++again) ASSERT_EQ(home(key), home(key));
  }
  EXPECT_EQ(homes.size(), 4U);
}

TEST_F(AffinityTest, TheReasonSaysSo) {
  make({1, 1, 1, 1});
  learn();
  std::set<Reason> reasons;
  for (std::uint64_t key = 1; key <= 40; ++key) {
    const Ticket t = pick_key(key);
    reasons.insert(t.reason);
    if (t.reason == Reason::kAffinity) {
      EXPECT_NE(t.second, t.member);
      EXPECT_LE(t.score, t.second_score);
    }
    finish(t, Result::kCancelled);
  }
  // Also kPolicy: the home of some keys is the best anyway.
  EXPECT_EQ(reasons, (std::set{Reason::kPolicy, Reason::kAffinity}));
}

TEST_F(AffinityTest, LoadOverridesIt) {
  make({1, 1, 1, 1});
  learn();
  std::vector<int> hits(4);
  for (int i = 0; i < 200; ++i) ++hits[pick_key(7).member];
  const MemberIndex own = home(7);
  EXPECT_LT(hits[own], 100);
  for (const int n : hits) EXPECT_GT(n, 20);
}

TEST_F(AffinityTest, BeforeAnythingIsLearnedKeysStayTogether) {
  make({1, 1, 1, 1});
  for (std::uint64_t key = 1; key <= 20; ++key) ASSERT_EQ(home(key), home(key));
  std::vector<int> hits(4);
  for (int i = 0; i < 80; ++i) ++hits[pick_key(7).member];
  for (const int n : hits) EXPECT_NEAR(n, 20, 2) << "but not all on one";
}

TEST_F(AffinityTest, WhenItsServerGoesOnlyItsKeysMove) {
  make({1, 1, 1, 1, 1});
  learn();
  std::vector<MemberIndex> before;
  for (std::uint64_t key = 1; key <= 100; ++key) before.push_back(home(key));
  settle(2, {.flags = kDown});
  for (std::uint64_t key = 1; key <= 100; ++key) {
    if (before[key - 1] == 2) {
      EXPECT_NE(home(key), 2U);
    } else {
      EXPECT_EQ(home(key), before[key - 1]);
    }
  }
}

TEST_F(AffinityTest, HoldsInALargePool) {
  make(std::vector<int>(300, 1));
  learn(3000);
  std::set<MemberIndex> homes;
  for (std::uint64_t key = 1; key <= 300; ++key) {
    const MemberIndex own = home(key);
    homes.insert(own);
    ASSERT_EQ(home(key), own);
  }
  EXPECT_GT(homes.size(), 120U);
}

TEST_F(AffinityTest, WithoutAKeyOrAGainNothingIsKept) {
  make({1, 1, 1, 1});
  learn();
  EXPECT_NE(pick_key(0).reason, Reason::kAffinity);
  config_.affinity = {0};
  std::set<MemberIndex> seen;
  for (int i = 0; i < 8; ++i) seen.insert(pick_key(7).member);
  EXPECT_EQ(seen.size(), 4U);
  EXPECT_FALSE(config_.uses_key());
}

}  // namespace
}  // namespace leastwise
