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
  EXPECT_EQ(action->pause, from_ms(20));
}

TEST(Action, AWaitTakesNoSlotAndASleepDoes) {
  EXPECT_EQ(parse_action("wait:15000")->wait, from_ms(15000));
  EXPECT_FALSE(parse_action("wait:15000")->sleep);
  EXPECT_FALSE(parse_action("sleep:1")->wait);
}

TEST(Action, AStreamHasBoundsAndAWebsocketAPause) {
  const auto stream = parse_action("stream:1000:5000");
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->ending, Ending::kStream);
  EXPECT_EQ(stream->shortest_stream, from_ms(1000));
  EXPECT_EQ(stream->longest_stream, from_ms(5000));
  const auto socket = parse_action("websocket:500");
  ASSERT_TRUE(socket);
  EXPECT_EQ(socket->ending, Ending::kWebsocket);
  EXPECT_EQ(socket->pause, from_ms(500));
}

TEST(Action, WhatIsNotInTheGrammarIsRefused) {
  for (const char* text : {"", "bogus", "status", "status:99", "status:600", "sleep:-1", "sleep:x",
                           "dribble:5", "dribble:0:5", "close+", "close:1", "wait", "wait:x",
                           "stream:5", "stream:5:4", "websocket", "websocket:0"}) {
    EXPECT_FALSE(parse_action(text)) << text;
  }
}

}  // namespace
}  // namespace leastwise::bench
