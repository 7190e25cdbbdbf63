#include "bench/backends/action.h"

#include <gtest/gtest.h>

namespace leastwise::bench {
namespace {

TEST(Action, JoinsSeveralWords) {
  const auto action = parse_action("sleep:200+status:502+truncate");
  ASSERT_TRUE(action);
  EXPECT_EQ(action->sleep, from_ms(200));
  EXPECT_EQ(action->status, 502);
  EXPECT_EQ(action->ending, Ending::kTruncate);
}

TEST(Action, DribbleHasSizeAndPause) {
  const auto action = parse_action("dribble:5:20");
  ASSERT_TRUE(action);
  EXPECT_EQ(action->ending, Ending::kDribble);
  EXPECT_EQ(action->dribble_bytes, 5U);
  EXPECT_EQ(action->dribble_pause, from_ms(20));
}

TEST(Action, WhatIsNotInTheGrammarIsRefused) {
  for (const char* text : {"", "bogus", "status", "status:99", "status:600", "sleep:-1", "sleep:x",
                           "dribble:5", "dribble:0:5", "close+", "close:1"}) {
    EXPECT_FALSE(parse_action(text)) << text;
  }
}

}  // namespace
}  // namespace leastwise::bench
