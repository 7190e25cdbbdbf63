#include "spop/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>

#include "spoe_agent/spop/frames.h"

namespace leastwise::spop {
namespace {

using test::as_bytes;
using test::as_string;

TEST(Buffer, GivesBackWhatWasAppendedInOrder) {
  Buffer buffer;
  EXPECT_TRUE(buffer.append(as_bytes("ab")));
  EXPECT_TRUE(buffer.append({}));
  EXPECT_TRUE(buffer.append(as_bytes("cd")));
  EXPECT_EQ(as_string(buffer.bytes()), "abcd");
}

TEST(Buffer, KeepsTheRestOfAPartialSend) {
  Buffer buffer;
  buffer.append(as_bytes("abcd"));
  buffer.consume(3);
  EXPECT_EQ(as_string(buffer.bytes()), "d");
  buffer.consume(1);
  EXPECT_TRUE(buffer.empty());
}

TEST(Buffer, ContentSurvivesGrowthAndTheUseOfTheFrontAgain) {
  Buffer buffer;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    const std::string piece(static_cast<std::size_t>(1 + i % 97), static_cast<char>('a' + i % 26));
    ASSERT_TRUE(buffer.append(as_bytes(piece)));
    expected += piece;
    const std::size_t taken = buffer.size() * static_cast<std::size_t>(i % 3) / 3;
    buffer.consume(taken);
    expected.erase(0, taken);
    ASSERT_EQ(as_string(buffer.bytes()), expected);
  }
}

TEST(Buffer, DoesNotMoveOnceItIsLargeEnough) {
  Buffer buffer;
  buffer.append(as_bytes(std::string(1000, 'x')));
  buffer.clear();
  const auto* place = buffer.room(1).data();
  for (int i = 0; i < 100; ++i) {
    buffer.append(as_bytes(std::string(900, 'y')));
    EXPECT_EQ(buffer.bytes().data(), place);
    buffer.consume(900);
  }
}

TEST(Buffer, WhatIsNotCommittedIsNotContent) {
  Buffer buffer;
  const std::span<std::uint8_t> room = buffer.room(10);
  ASSERT_GE(room.size(), 10U);
  room.front() = 'x';
  EXPECT_TRUE(buffer.empty());
  buffer.commit(1);
  EXPECT_EQ(as_string(buffer.bytes()), "x");
}

}  // namespace
}  // namespace leastwise::spop
