#include "pick/transit.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

TEST(AtServerTest, WhatIsOnItsWayCountsForNothing) {
  state::Hot hot;
  const std::uint64_t four = 4 * load::of(0.010F);
  EXPECT_EQ(at_server(hot, four, 4).word, four);
  EXPECT_EQ(at_server(hot, four, 4).n, 4U);
  hot.away.set(away::of(0, 1));
  EXPECT_EQ(at_server(hot, four, 4).n, 3U);
  EXPECT_NEAR(load::work(at_server(hot, four, 4).word), 0.030, 1e-6);
  EXPECT_EQ(load::in_flight(at_server(hot, four, 4).word), 4U);  // for nobody to read
  for (const std::uint32_t word : {away::of(0, 4), away::of(0, 5), away::of(3, 1), ~0U}) {
    hot.away.set(word);
    EXPECT_EQ(at_server(hot, four, 4).n, 0U);
    EXPECT_EQ(at_server(hot, four, 4).word, 0U);
  }
}

// It has no work in the word: all of that is of the others.
TEST(AtServerTest, WhoKeepsAPlaceOnlyIsNotCounted) {
  state::Hot hot;
  const std::uint64_t word = 2 * load::of(0.010F) + 2 * load::kOne;
  hot.away.set(away::of(2, 0));
  EXPECT_EQ(at_server(hot, word, 4).n, 2U);
  EXPECT_NEAR(load::work(at_server(hot, word, 4).word), 0.020, 1e-6);
}

// Two servers that take 5 ms of work, one of them 40 ms away; 100 requests a second to each.
class TransitTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("adaptive");
    make({1, 1});
  }
  void traffic(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      for (MemberIndex m : {0U, 1U}) {
        for (int k = 0; k < 10; ++k) {
          const Ticket t = picker_.adopt(config_, {.in_flight = {}}, m, now_);
          finish(t, Result::kOk, m == 0 ? 5ms : 45ms);
        }
      }
      tick();
    }
  }
};

TEST_F(TransitTest, IsThePicksPerSecondTimesTheDistance) {
  traffic(100);
  EXPECT_NEAR(view(1).base, 0.040, 0.001);
  EXPECT_EQ(view(1).in_transit, 4U);  // 100/s · 40 ms, or a little less than 4
  EXPECT_EQ(view(0).in_transit, 0U);
}

// Four times as slow, not far: the fastest answers differ by less than a mean request takes.
TEST_F(TransitTest, WhoIsSlowIsNotFarAway) {
  for (int i = 0; i < 100; ++i) {
    for (const Duration time : {1ms, 19ms}) {
      for (int k = 0; k < 50; ++k) {
        finish(picker_.adopt(config_, {.in_flight = {}}, 0, now_), Result::kOk, time);
        finish(picker_.adopt(config_, {.in_flight = {}}, 1, now_), Result::kOk, 4 * time);
      }
    }
    tick();
  }
  EXPECT_NEAR(view(1).base, 0.003, 0.0001);  // 1,000/s · 3 ms would be three
  EXPECT_EQ(view(1).in_transit, 0U);
}

TEST_F(TransitTest, GoesWithTheTraffic) {
  traffic(100);
  for (int i = 0; i < 100; ++i) tick();
  EXPECT_EQ(view(1).in_transit, 0U);
}

// By the front end's counts as by the pool's own.
TEST_F(TransitTest, ATicketTellsWhatIsInFlightAndWhatIsThere) {
  traffic(100);
  const std::array<std::uint32_t, 2> counts = {6, 6};
  const Ticket near = picker_.adopt(config_, {.in_flight = counts}, 0, now_);
  const Ticket far = picker_.adopt(config_, {.in_flight = counts}, 1, now_);
  EXPECT_EQ(near.in_flight, 6U);
  EXPECT_EQ(near.at_server, 6U);
  EXPECT_EQ(far.in_flight, 6U);
  EXPECT_EQ(far.at_server, 2U);
  EXPECT_LT(far.wait, near.wait);
}

}  // namespace
}  // namespace leastwise
