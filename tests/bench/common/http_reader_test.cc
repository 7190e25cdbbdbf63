#include "bench/common/http_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::bench {
namespace {

constexpr std::string_view kRequest =
    "POST /a?do=close HTTP/1.1\r\nHost: x\r\nX-U: 0.25\r\nContent-Length: 3\r\n\r\nabc";

TEST(HttpReader, ReadsARequestThatArrivesByteByByte) {
  HttpReader reader(HttpReader::Kind::kRequest, "x-u");
  for (const char& byte : kRequest) {
    ASSERT_FALSE(reader.is_complete());
    ASSERT_EQ(reader.feed({&byte, 1}), 1U);
  }
  EXPECT_TRUE(reader.is_complete());
  EXPECT_EQ(reader.target(), "/a?do=close");
  EXPECT_EQ(reader.wanted_value(), "0.25");
  EXPECT_TRUE(reader.keeps_alive());
}

TEST(HttpReader, StopsAtTheEndOfOneMessage) {
  HttpReader reader(HttpReader::Kind::kRequest, "x-u");
  const std::string two = std::string(kRequest) + "GET /b HTTP/1.0\r\n\r\n";
  ASSERT_EQ(reader.feed(two), kRequest.size());
  reader.next_message();
  EXPECT_EQ(reader.feed(two.substr(kRequest.size())), two.size() - kRequest.size());
  EXPECT_EQ(reader.target(), "/b");
  EXPECT_EQ(reader.wanted_value(), "");
  EXPECT_FALSE(reader.keeps_alive());
}

TEST(HttpReader, WorksAfterItWasMoved) {
  HttpReader first(HttpReader::Kind::kRequest, "x-u");
  first.feed(kRequest.substr(0, 10));
  HttpReader second(std::move(first));
  second.feed(kRequest.substr(10));
  EXPECT_TRUE(second.is_complete());
  EXPECT_EQ(second.target(), "/a?do=close");
}

TEST(HttpReader, KeepsABodyThatIsAskedForUntilTheNextMessage) {
  HttpReader reader(HttpReader::Kind::kRequest, "x-u", 3);
  for (const char& byte : kRequest) reader.feed({&byte, 1});
  EXPECT_EQ(reader.body(), "abc");
  reader.next_message();
  EXPECT_EQ(reader.body(), "");
}

TEST(HttpReader, ABodyLongerThanAllowedIsBrokenAndOneThatIsSkippedIsNot) {
  HttpReader two(HttpReader::Kind::kRequest, "x-u", 2);
  two.feed(kRequest);
  EXPECT_TRUE(two.is_broken());
  HttpReader none(HttpReader::Kind::kRequest, "x-u");
  none.feed(kRequest);
  EXPECT_TRUE(none.is_complete());
  EXPECT_EQ(none.body(), "");
}

TEST(HttpReader, AnAnswerCutShortIsBroken) {
  HttpReader reader(HttpReader::Kind::kResponse, "x-server");
  reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nX-Server: 7\r\n\r\nabc");
  EXPECT_FALSE(reader.is_complete());
  reader.end_of_stream();
  EXPECT_TRUE(reader.is_broken());
}

TEST(HttpReader, AnAnswerWithoutLengthEndsWithTheStream) {
  HttpReader reader(HttpReader::Kind::kResponse, "x-server");
  reader.feed("HTTP/1.0 502 Bad\r\nX-Server: 7\r\n\r\nabc");
  EXPECT_FALSE(reader.is_complete());
  reader.end_of_stream();
  EXPECT_TRUE(reader.is_complete());
  EXPECT_EQ(reader.status(), 502);
  EXPECT_EQ(reader.wanted_value(), "7");
}

TEST(HttpReader, WhatIsNotHttpIsBroken) {
  HttpReader reader(HttpReader::Kind::kResponse, "x-server");
  reader.feed("nonsense\r\n\r\n");
  EXPECT_TRUE(reader.is_broken());
}

}  // namespace
}  // namespace leastwise::bench
