// What a request of control may say that other balancers have, and what a pool makes of it.
#include "control/elsewhere.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "core/pool_fixture.h"

namespace leastwise::control {
namespace {

class ElsewhereTest : public PoolFixture {
 protected:
  // What the error says; empty: it is read.
  std::string read(std::string_view text) {
    servers_.assign(pool_.capacity(), {});
    std::array<char, 256> buffer;
    Text error(buffer);
    const bool ok = read_elsewhere(pool_, "http/test/", text, servers_, elsewhere_, error);
    EXPECT_EQ(ok, error.size() == 0) << text.substr(0, 80);
    return std::string(error.view());
  }
  const ThereElse& of(std::size_t member) { return servers_[index(members_[member].id)]; }
  std::string in_flight() {
    std::array<char, 4096> buffer;
    Text out(buffer);
    render_in_flight(pool_, out);
    return std::string(out.view());
  }

  std::vector<ThereElse> servers_;
  Elsewhere elsewhere_;
};

TEST_F(ElsewhereTest, EachServerHasWhatIsSaidOfIt) {
  make({1, 1, 1});
  EXPECT_EQ(read(R"({"balancers": 3, "count": true,
                     "servers": {"10.0.0.2:80": [4, 0], "10.0.0.0:80": [2.5, 0.012]}})"),
            "");
  EXPECT_EQ(elsewhere_.balancers, 3U);
  EXPECT_TRUE(elsewhere_.counts);
  EXPECT_EQ(elsewhere_.known, 2U);
  EXPECT_EQ(of(0).requests, 2.5F);
  EXPECT_FALSE(of(1).is_said);
  EXPECT_EQ(of(2).requests, 4);
}

// It may just have been removed, and what is told of the others is as true as it was.
TEST_F(ElsewhereTest, AServerThatIsNotThereIsLeftOut) {
  make({1});
  EXPECT_EQ(read(R"({"balancers": 1, "servers": {"10.9.9.9:80": [1, 1], "10.0.0.0:80": [2, 1]}})"),
            "");
  EXPECT_EQ(elsewhere_.known, 1U);
  EXPECT_EQ(read(R"({"servers": {")" + std::string(100'000, 'x') + R"(": [1, 1], "": [1, 1]}})"),
            "");
  EXPECT_EQ(elsewhere_.known, 0U);
  EXPECT_EQ(read(R"({"servers": {"http/test/10.0.0.0:80": [1, 1]}})"), "");
  EXPECT_EQ(elsewhere_.known, 0U);  // the whole name is no address
}

TEST_F(ElsewhereTest, WhatIsLeftOutIsNoneAndDoesNotCount) {
  make({1});
  EXPECT_EQ(read("{}"), "");
  EXPECT_EQ(elsewhere_.balancers, 0U);
  EXPECT_FALSE(elsewhere_.counts);
  EXPECT_EQ(read(R"({"servers": {}})"), "");
}

TEST_F(ElsewhereTest, AnErrorNamesWhatIsAccepted) {
  make({1});
  const std::string balancers = "\"balancers\": expected a whole number from 0 to 255";
  EXPECT_EQ(read(R"({"balancers": 256})"), balancers);
  EXPECT_EQ(read(R"({"balancers": -1})"), balancers);
  EXPECT_EQ(read(R"({"balancers": 1.5})"), balancers);
  EXPECT_EQ(read(R"({"balancers": "3"})"), balancers);
  EXPECT_EQ(read(R"({"balancers": null})"), balancers);
  EXPECT_EQ(read(R"({"count": 1})"), "\"count\": expected true or false");
  EXPECT_EQ(read(R"({"counts": true})"), "unknown key: expected balancers, count, servers");
  EXPECT_EQ(read(R"({"count": true, "count": true})"), "\"count\" is there twice");
  EXPECT_EQ(read(R"({"servers": {"10.0.0.0:80": [1, 1], "10.0.0.0:80": [1, 1]}})"),
            "a server is there twice");
  EXPECT_EQ(read(""),
            "no JSON, at byte 1: expected an object such as {\"balancers\": 1, "
            "\"servers\": {\"10.0.0.1:8080\": [2.5, 0.012]}}");
}

TEST_F(ElsewhereTest, FiguresOfAServerAreTwoAndWithinBounds) {
  make({1});
  for (const char* value :
       {"[]", "[1]", "[1, 1, 1]", "1", "\"1\"", "null", "true", "{}", "[[1], 1]", "[1, [1]]",
        "[1, null]", "[1, \"1\"]", "[1, {}]", "[-1, 1]", "[1, -0.5]", "[1000001, 1]", "[1, 1e7]",
        "[1e308, 1]", "[18446744073709551615, 1]"}) {
    const std::string error = read(std::string(R"({"servers": {"10.0.0.0:80": )") + value + "}}");
    EXPECT_NE(error.find("requests, and seconds of their work, each from 0 to 1000000"),
              std::string::npos)
        << value << ": " << error;
    // Of a server that is not there no less.
    EXPECT_EQ(read(std::string(R"({"servers": {"x": )") + value + "}}"), error) << value;
  }
  EXPECT_EQ(read(R"({"servers": {"10.0.0.0:80": [1000000, 1e6]}})"), "");
}

TEST_F(ElsewhereTest, WhatIsNoJsonOrOfAnotherShapeIsRefused) {
  make({1});
  for (const char* text :
       {"3", "[]", "null", "\"x\"", "true", "{", "{\"servers\"", R"({"servers": [}})",
        R"({"servers": {"a": [1, 1]})", R"({"servers": {"a": [1, NaN]}})",
        R"({"servers": {"a": [1, 1e999]}})", R"({"servers": [["10.0.0.0:80", 1, 1]]})",
        R"({"balancers": [1]})", R"({"balancers": {"servers": {}}})", R"({"count": {}})",
        R"({"balancers": 1} {})", "\xff\xfe", "{\"\xff\": 1}"}) {
    EXPECT_NE(read(text), "") << text;
  }
  std::string deep = R"({"servers": )";
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  EXPECT_NE(read(deep), "");
  EXPECT_NE(read(std::string(100'000, '[')), "");
  EXPECT_NE(read(std::string("{\0}", 3)), "");
}

TEST_F(ElsewhereTest, IsShownAndForgotten) {
  make({1, 1});
  ASSERT_EQ(read(R"({"balancers": 2, "servers": {"10.0.0.1:80": [7, 0.1]}})"), "");
  tell_elsewhere(pool_, servers_, elsewhere_, now_);
  EXPECT_EQ(view(0).elsewhere, 0U);
  EXPECT_EQ(view(1).elsewhere, 7U);
  ASSERT_EQ(read(R"({"balancers": 2, "servers": {"10.0.0.0:80": [3, 0.1]}})"), "");
  tell_elsewhere(pool_, servers_, elsewhere_, now_);
  EXPECT_EQ(view(0).elsewhere, 3U);
  EXPECT_EQ(view(1).elsewhere, 0U);  // who is not named has none
  now_ += Pool::kHearsay;
  EXPECT_EQ(view(0).elsewhere, 0U);
}

TEST_F(ElsewhereTest, InFlightIsByAddress) {
  make({1, 1});
  use("round_robin");
  const std::string none = in_flight();
  EXPECT_NE(none.find("\"10.0.0.0:80\":[0,0]"), std::string::npos) << none;
  EXPECT_NE(none.find("\"10.0.0.1:80\":[0,0]"), std::string::npos) << none;
  const Ticket first = pick();
  const Ticket second = pick();
  pick();
  const std::string three = in_flight();
  EXPECT_NE(three.find("[2,"), std::string::npos) << three;
  EXPECT_NE(three.find("[1,"), std::string::npos) << three;
  EXPECT_EQ(read(R"({"servers": )" + three + "}"), "");  // what one says the other understands
  EXPECT_EQ(elsewhere_.known, 2U);
  finish(first);
  finish(second);
  EXPECT_NE(in_flight().find("[0,"), std::string::npos);
}

TEST_F(ElsewhereTest, AnEmptyPoolHasNothing) {
  make({});
  EXPECT_EQ(in_flight(), "{}");
  EXPECT_EQ(read(R"({"balancers": 1, "servers": {"10.0.0.0:80": [1, 1]}})"), "");
  EXPECT_EQ(elsewhere_.known, 0U);
}

}  // namespace
}  // namespace leastwise::control
