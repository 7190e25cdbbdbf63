#include "spop/pick_message.h"

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "spoe_agent/spop/frames.h"

namespace leastwise::spop {

bool operator==(const ServerLoad& a, const ServerLoad& b) {
  return a.name == b.name && a.in_flight == b.in_flight && a.queued == b.queued &&
         a.is_up == b.is_up;
}

void PrintTo(const ServerLoad& load, std::ostream* out) {
  *out << load.name << " c=" << (load.in_flight ? std::to_string(*load.in_flight) : "?")
       << " q=" << (load.queued ? std::to_string(*load.queued) : "?")
       << " u=" << (load.is_up ? std::to_string(*load.is_up) : "?");
}

namespace {

using test::argument;
using test::int64;
using test::str;

const std::string kBackend = argument("backend", str("app"));

class PickMessageTest : public testing::Test {
 protected:
  // Reads a message of the backend and these arguments.
  const PickMessage& read(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kBackend);
    payload_ = test::message("leastwise-pick", arguments);
    EXPECT_TRUE(pick_.read(Messages(test::as_bytes(payload_))));
    return pick_;
  }
  std::vector<ServerLoad> servers(std::vector<std::string> arguments) {
    const auto found = read(std::move(arguments)).servers();
    return {found.begin(), found.end()};
  }
  bool is_read(std::string payload) {
    payload_ = std::move(payload);
    return pick_.read(Messages(test::as_bytes(payload_)));
  }

  std::string payload_;
  PickMessage pick_;
};

using Loads = std::vector<ServerLoad>;

TEST_F(PickMessageTest, ReadsEveryPlainArgument) {
  const std::string ip("\x7f\0\0\1", 4);
  read({argument("id", str("7-1")), argument("route", str("/api")), argument("key", str("alice")),
        argument("src", test::byte(6) + ip)});
  EXPECT_EQ(pick_.backend(), "app");
  EXPECT_EQ(pick_.id(), "7-1");
  EXPECT_EQ(pick_.route(), "/api");
  EXPECT_EQ(pick_.key(), "alice");
  EXPECT_EQ(pick_.src().type, ValueType::kIpv4);
  EXPECT_EQ(pick_.src().bytes, ip);
}

// `path,bytes(0,256)` is binary, `path` a string.
TEST_F(PickMessageTest, MethodAndPathMayBeStringsOrBinary) {
  read({argument("method", str("GET")), argument("path", test::byte(9) + test::byte(4) + "/api")});
  EXPECT_EQ(pick_.method(), "GET");
  EXPECT_EQ(pick_.path(), "/api");
  read({argument("path", str("/web"))});
  EXPECT_EQ(pick_.method(), "");
  EXPECT_EQ(pick_.path(), "/web");
  read({});
  EXPECT_EQ(pick_.path(), "");
}

TEST_F(PickMessageTest, WhatWasNotSentIsEmptyEvenAfterAFullerMessage) {
  read({argument("id", str("7-1")), argument("route", str("/api")), argument("key", str("alice")),
        argument("src", test::byte(6) + "abcd"), argument("c_a", int64(1))});
  read({});
  EXPECT_EQ(pick_.id(), "");
  EXPECT_EQ(pick_.route(), "");
  EXPECT_EQ(pick_.key(), "");
  EXPECT_EQ(pick_.src().type, ValueType::kNull);
  EXPECT_TRUE(pick_.servers().empty());
}

TEST_F(PickMessageTest, NullCountsAsNotSent) {
  read({argument("key", str("alice")), argument("key", test::null()),
        argument("src", test::null())});
  EXPECT_EQ(pick_.key(), "alice");
  EXPECT_EQ(pick_.src().type, ValueType::kNull);
}

TEST_F(PickMessageTest, AKeyMayBeANumberOrAnAddress) {
  EXPECT_EQ(read({argument("key", int64(300))}).key(), test::varint(300));
  EXPECT_EQ(read({argument("key", test::byte(6) + "abcd")}).key(), "abcd");
}

TEST_F(PickMessageTest, AnArgumentOfAWrongTypeCountsAsNotSent) {
  read({argument("id", int64(7)), argument("src", str("127.0.0.1")), argument("c_a", str("1")),
        argument("u_a", int64(1))});
  EXPECT_EQ(pick_.id(), "");
  EXPECT_EQ(pick_.src().type, ValueType::kNull);
  EXPECT_EQ(Loads(pick_.servers().begin(), pick_.servers().end()), (Loads{{"a", {}, {}, {}}}));
}

TEST_F(PickMessageTest, WithoutABackendThereIsNothingToPickFrom) {
  EXPECT_FALSE(is_read(test::message("leastwise-pick", {argument("id", str("7-1"))})));
  EXPECT_FALSE(is_read(test::message("leastwise-pick", {argument("backend", str(""))})));
  EXPECT_FALSE(is_read(test::message("leastwise-pick", {argument("backend", int64(1))})));
}

TEST_F(PickMessageTest, IsFoundAmongOtherMessages) {
  const std::string other = test::message("other", {argument("backend", str("wrong"))});
  EXPECT_TRUE(is_read(other + test::message("leastwise-pick", {kBackend}) + other));
  EXPECT_EQ(pick_.backend(), "app");
  EXPECT_FALSE(is_read(other));
  EXPECT_FALSE(is_read(test::message("leastwise-pic", {kBackend})));
  EXPECT_FALSE(is_read(""));
}

TEST_F(PickMessageTest, LoadsSideBySideBelongTogether) {
  EXPECT_EQ(servers({argument("c_a", int64(3)), argument("q_a", int64(1)),
                     argument("u_a", test::boolean(true)), argument("c_b", int64(0)),
                     argument("q_b", int64(0)), argument("u_b", test::boolean(false))}),
            (Loads{{"a", 3, 1, true}, {"b", 0, 0, false}}));
}

TEST_F(PickMessageTest, LoadsKindByKindBelongTogether) {
  EXPECT_EQ(servers({argument("c_a", int64(3)), argument("c_b", int64(4)),
                     argument("c_c", int64(5)), argument("q_a", int64(1)),
                     argument("q_c", int64(2)), argument("u_c", test::boolean(true))}),
            (Loads{{"a", 3, 1, {}}, {"b", 4, {}, {}}, {"c", 5, 2, true}}));
}

TEST_F(PickMessageTest, UnknownIsNotZero) {
  EXPECT_EQ(servers({argument("c_a", test::null()), argument("c_b", int64(0)),
                     argument("c_c", int64(static_cast<std::uint64_t>(-1))),
                     argument("c_d", int64(1ULL << 32)), argument("q_a", int64(2))}),
            (Loads{{"a", {}, 2, {}}, {"b", 0, {}, {}}, {"c", {}, {}, {}}, {"d", {}, {}, {}}}));
}

TEST_F(PickMessageTest, ARepeatedServerMakesAFurtherEntrySoThatTheLastWordCounts) {
  EXPECT_EQ(
      servers({argument("c_a", int64(3)), argument("c_b", int64(4)), argument("c_a", int64(9))}),
      (Loads{{"a", 3, {}, {}}, {"b", 4, {}, {}}, {"a", 9, {}, {}}}));
  EXPECT_EQ(servers({argument("c_a", int64(3)), argument("c_a", int64(9))}),
            (Loads{{"a", 3, {}, {}}, {"a", 9, {}, {}}}));
}

TEST_F(PickMessageTest, ReadingTheNextMessageStartsFromTheFirstServerAgain) {
  const std::vector<std::string> arguments = {argument("c_a", int64(3)), argument("c_b", int64(4)),
                                              argument("q_a", int64(1)), argument("q_b", int64(2))};
  const Loads expected = {{"a", 3, 1, {}}, {"b", 4, 2, {}}};
  EXPECT_EQ(servers(arguments), expected);
  EXPECT_EQ(servers(arguments), expected);
}

TEST_F(PickMessageTest, UnknownNamesAreIgnored) {
  EXPECT_TRUE(servers({argument("x_a", int64(3)), argument("c_", int64(3)), argument("c", int64(3)),
                       argument("", int64(3)), argument("colour", str("red"))})
                  .empty());
}

TEST_F(PickMessageTest, HoldsAsManyServersAsAMessageCanName) {
  std::vector<std::string> arguments;
  arguments.reserve(254);
  for (int i = 0; i < 254; ++i) {  // and the backend
    arguments.push_back(argument("c_s" + std::to_string(i), int64(static_cast<unsigned>(i))));
  }
  const auto found = read(arguments).servers();
  ASSERT_EQ(found.size(), 254U);
  EXPECT_EQ(found[253], (ServerLoad{"s253", 253, {}, {}}));
}

TEST_F(PickMessageTest, AServerMayHaveAnyCharactersInItsName) {
  EXPECT_EQ(servers({argument("c_c_a.b-1:2", int64(3))}), (Loads{{"c_a.b-1:2", 3, {}, {}}}));
}

TEST_F(PickMessageTest, ReadsWhatIsSaidOfAPrompt) {
  read({argument("len", int64(300)), argument("size", int64(5000)), argument("model", str("m")),
        argument("salt", str("t")), argument("max", int64(64)),
        argument("d0", int64(static_cast<std::uint64_t>(-5))), argument("d1", int64(7))});
  const PromptDigests& prompt = pick_.prompt();
  EXPECT_EQ(prompt.seen, 300U);
  EXPECT_EQ(prompt.whole, 5000U);
  EXPECT_EQ(prompt.model, "m");
  EXPECT_EQ(prompt.salt, "t");
  EXPECT_EQ(prompt.max_tokens, 64U);
  ASSERT_EQ(prompt.count, 2U);
  EXPECT_EQ(prompt.digests[0], static_cast<std::uint64_t>(-5));
  EXPECT_EQ(prompt.digests[1], 7U);
  read({});
  EXPECT_EQ(pick_.prompt().seen, 0U);
  EXPECT_EQ(pick_.prompt().count, 0U);
  EXPECT_EQ(pick_.prompt().model, "");
}

TEST_F(PickMessageTest, DigestsEndWithTheFirstGap) {
  std::vector<std::string> arguments = {argument("d0", int64(1)),  argument("d2", int64(2)),
                                        argument("dx", int64(3)),  argument("d", int64(3)),
                                        argument("d1x", int64(4)), argument("len", str("x"))};
  EXPECT_EQ(read(arguments).prompt().count, 1U);
  EXPECT_EQ(pick_.prompt().seen, 0U);
  arguments.clear();
  for (int k = 0; k < 99; ++k) arguments.push_back(argument("d" + std::to_string(k), int64(1)));
  EXPECT_EQ(read(arguments).prompt().count, PromptDigests::kMost);
}

TEST_F(PickMessageTest, ANegativeLengthIsNone) {
  const auto minus = int64(static_cast<std::uint64_t>(-1));
  EXPECT_EQ(read({argument("len", minus), argument("max", minus)}).prompt().seen, 0U);
  EXPECT_EQ(pick_.prompt().max_tokens, 0U);
}

}  // namespace
}  // namespace leastwise::spop
