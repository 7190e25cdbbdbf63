// What other balancers have in flight, as a pool takes it in.
#include "guard/others.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "core/pool_fixture.h"
#include "words/packed.h"

namespace leastwise {
namespace {

class OthersTest : public PoolFixture {
 protected:
  // For so many seconds `tellers` others have that at each endpoint, by their reports.
  void hear(const std::vector<float>& requests, int seconds, std::uint32_t tellers = 3) {
    for (int tick = 0; tick < 10 * seconds; ++tick) {
      for (std::size_t i = 0; i < requests.size(); ++i) {
        pool_.hear(members_[i].id, requests[i], each_ * requests[i]);
      }
      pool_.heard(tellers, now_);
      let_pass(1);
    }
  }
  void let_pass(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      now_ += Pool::kTickPeriod;
      pool_.tick(config_, now_);
    }
  }
  using All = std::vector<std::uint32_t>;
  state::Shared shared() {
    return {reinterpret_cast<state::Header*>(memory_.span().data()),
            static_cast<std::uint32_t>(pool_.capacity())};
  }
  std::uint32_t elsewhere(std::size_t i) {
    return pool_.view(members_[i].id, config_, now_).elsewhere;
  }
  All counted() {
    All all;
    for (const Member& m : members_) {
      all.push_back(others::requests(shared().hot()[index(m.id)].others.get()));
    }
    return all;
  }

  float each_ = 0.01F;  // seconds of work
};

TEST_F(OthersTest, NobodyIsHeard) {
  make({1, 1});
  let_pass(10);
  EXPECT_EQ(counted(), (All{0, 0}));
}

TEST_F(OthersTest, WhatTheyHaveForLongCounts) {
  make({1, 1, 1});
  hear({4, 8, 6}, 60);
  EXPECT_EQ(counted(), (All{4, 8, 6}));
}

TEST_F(OthersTest, IsShownAtOnceAndCountsAfterTenSeconds) {
  make({1, 1});
  hear({4, 4}, 4);
  EXPECT_EQ(elsewhere(0), 4U);
  EXPECT_EQ(counted(), (All{0, 0}));
  hear({4, 4}, 7);
  EXPECT_EQ(counted(), (All{4, 4}));
}

TEST_F(OthersTest, WhatIsStaleIsForgotten) {
  make({1, 1});
  hear({4, 4}, 20);
  let_pass(10);
  EXPECT_EQ(elsewhere(0), 4U);
  EXPECT_EQ(counted(), (All{4, 4}));
  let_pass(20);  // 3 s old: half of it is left, and that is too far from the average
  EXPECT_EQ(elsewhere(0), 2U);
  EXPECT_EQ(counted(), (All{0, 0}));
  let_pass(21);
  EXPECT_EQ(elsewhere(0), 0U);
  EXPECT_EQ(shared()->heard_ms.get(), 0);
}

TEST_F(OthersTest, WhatIsOnlyShownCountsNothing) {
  make({1, 1});
  hear({4, 4}, 20);
  EXPECT_EQ(counted(), (All{4, 4}));
  hear({4, 4}, 1, 0);
  EXPECT_EQ(elsewhere(0), 4U);
  EXPECT_EQ(counted(), (All{0, 0}));
  hear({4, 4}, 4);  // what was learned before is not gone by
  EXPECT_EQ(counted(), (All{0, 0}));
}

// What was told at a time that is to come, by memory that was damaged.
TEST_F(OthersTest, ATimeThatCanNotBeIsForgotten) {
  make({1, 1});
  hear({4, 4}, 20);
  for (const std::int64_t ms : {std::numeric_limits<std::int64_t>::max(), std::int64_t{-1},
                                std::numeric_limits<std::int64_t>::min()}) {
    pool_.heard(3, now_);
    shared()->heard_ms.set(ms);
    EXPECT_EQ(elsewhere(0), 0U);
    let_pass(1);
    EXPECT_EQ(shared()->heard_ms.get(), 0);
    EXPECT_EQ(counted(), (All{0, 0}));
  }
}

// In a tenth of a second a server answers ten times what it has in flight: all balancers that act
// on one figure send ten times what was missing.
TEST_F(OthersTest, ASingleFigureSaysLittle) {
  make({1, 1, 1, 1});
  hear({5, 5, 5, 5}, 20);
  for (std::size_t i = 0; i < 4; ++i) pool_.hear(members_[i].id, i == 0 ? 0.0F : 6.7F, 0);
  let_pass(1);
  EXPECT_EQ(counted(), (All{5, 5, 5, 5}));
}

// Averages can not have followed.
TEST_F(OthersTest, ABurstIsLeftToEachOnesOwnCount) {
  make({1, 1, 1});
  hear({5, 5, 5}, 20);
  hear({15, 15, 15}, 2);
  EXPECT_EQ(counted(), (All{0, 0, 0}));
  hear({15, 15, 15}, 60);
  EXPECT_EQ(counted(), (All{15, 15, 15}));
}

// As one that is idle it would get all there is of all balancers.
TEST_F(OthersTest, WhoComesBackHasNothingCounted) {
  make({1, 1, 1});
  hear({6, 6, 6}, 20);
  settle(0, {.flags = kDown});
  hear({0, 6, 6}, 20);
  settle(0, {});
  hear({0, 6, 6}, 1);
  EXPECT_EQ(counted(), (All{0, 0, 0}));
}

// The loop that all of them close together has a gain that grows with their number.
TEST_F(OthersTest, OfManyBalancersLessCounts) {
  make({1, 1, 1});
  hear({30, 30, 30}, 20, 9);  // ten with this one: all
  EXPECT_EQ(counted(), (All{30, 30, 30}));
  hear({30, 30, 30}, 20, 16);  // (20 - 17) / 10 of it
  EXPECT_EQ(counted(), (All{9, 9, 9}));
  hear({30, 30, 30}, 20, 19);
  EXPECT_EQ(counted(), (All{0, 0, 0}));
}

TEST_F(OthersTest, WhatCanNotBeIsNothing) {
  make({1, 1, 1});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  hear({nan, -5, std::numeric_limits<float>::infinity()}, 20);
  for (const std::uint32_t n : counted()) EXPECT_LT(n, 128U);
  sequence(100);
  hear({4, 4, 4}, 300);
  EXPECT_EQ(counted(), (All{4, 4, 4}));
}

// One that is said to be overrun gets fewer requests, but gets some: it is twice as dear at most.
TEST_F(OthersTest, ALieMakesNobodyMoreThanTwiceAsDear) {
  for (const float each : {0.01F, 60.0F}) {
    make({1, 1, 1, 1});
    sequence(400, std::chrono::milliseconds(10));
    each_ = 0.01F;
    hear({2, 2, 2, 2}, 20);
    for (int i = 0; i < 100; ++i) {
      pool_.hear(members_[0].id, 5, 5 * each);
      pool_.heard(3, now_);
      let_pass(1);
    }
    const float honest = pool_.view(members_[1].id, config_, now_).delay;
    const float slandered = pool_.view(members_[0].id, config_, now_).delay;
    EXPECT_LE(slandered, 2.05F * honest) << each;
  }
}

}  // namespace
}  // namespace leastwise
