#include "balance/ways.h"

#include <gtest/gtest.h>

#include "leastwise/pool.h"

namespace leastwise::agent {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};
constexpr EndpointId kServer{2};

Outcome answered(Duration connect, Duration first_byte) {
  return {.result = Result::kOk, .connect = connect, .first_byte = first_byte};
}

class WaysTest : public testing::Test {
 protected:
  WaysTest() { ways_.resize(4); }
  Duration learn(Duration connect, Duration first_byte, TimePoint now = kStart) {
    return ways_.learn(kServer, answered(connect, first_byte), now);
  }
  Ways ways_;
};

TEST_F(WaysTest, WhoseAnswersTakeLongIsNotFarForThat) {
  EXPECT_EQ(learn(0ms, 3s), Duration::zero());
  EXPECT_EQ(learn(kUnknownDuration, 3s), Duration::zero());
}

TEST_F(WaysTest, AServerIsAsFarAsTheQuickerOfTheLastTwoConnectsSays) {
  EXPECT_EQ(learn(16ms, 40ms), Duration::zero()) << "one may be chance";
  EXPECT_EQ(learn(15ms, 40ms), Duration(15ms));
  EXPECT_EQ(learn(0ms, 40ms), Duration(15ms)) << "a connection that was open";
  EXPECT_EQ(learn(1015ms, 1040ms), Duration(15ms)) << "a lost SYN";
  EXPECT_EQ(learn(18ms, 40ms), Duration(18ms));
}

TEST_F(WaysTest, NobodyIsFartherThanAnAnswerBeginsSoon) {
  learn(1s, 2s);
  EXPECT_EQ(learn(1s, 2s), Duration(1s));
  EXPECT_EQ(learn(0ms, 5ms), Duration(5ms));
}

TEST_F(WaysTest, WhatWasNotSeenForLongIsForgotten) {
  learn(15ms, 40ms);
  learn(15ms, 40ms);
  EXPECT_EQ(learn(0ms, 40ms, kStart + Ways::kMemory), Duration(15ms));
  EXPECT_EQ(learn(0ms, 40ms, kStart + Ways::kMemory + 1us), Duration::zero());
}

TEST_F(WaysTest, AServerThatTookAnothersPlaceIsKnownByItsOwnConnects) {
  learn(15ms, 40ms);
  learn(15ms, 40ms);
  ways_.forget(kServer);
  EXPECT_EQ(learn(0ms, 40ms), Duration::zero());
}

}  // namespace
}  // namespace leastwise::agent
