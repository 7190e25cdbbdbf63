#include "bench/backends/config.h"

#include <gtest/gtest.h>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

std::string refusal_of(const std::string& text) {
  try {
    parse_config(text, "farm.json");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Config, DefaultsHoldUnlessAServerSaysOtherwise) {
  const Config config = parse_config(
      R"({"defaults": {"slots": 4, "slow": 2},
          "servers": [{"port": 19100, "count": 2}, {"port": 19200, "name": "odd", "slots": 1}]})",
      "farm.json");
  ASSERT_EQ(config.servers.size(), 3U);
  EXPECT_EQ(config.servers[1].port, 19101);
  EXPECT_EQ(config.servers[1].name, "1");
  EXPECT_EQ(config.servers[1].behaviour.slots, 4);
  EXPECT_EQ(config.servers[2].name, "odd");
  EXPECT_EQ(config.servers[2].behaviour.slots, 1);
  EXPECT_EQ(config.servers[2].behaviour.slow, 2);
}

TEST(Config, TheLongestPathPrefixWins) {
  const Config config = parse_config(
      R"({"servers": [{"port": 1}], "paths": {"/": 1, "/a": 2, "/ab/c": 3}})", "farm.json");
  EXPECT_EQ(config.paths.mean_of("/ab/cd"), from_ms(3));
  EXPECT_EQ(config.paths.mean_of("/ab/x"), from_ms(2));
  EXPECT_EQ(config.paths.mean_of("/x"), from_ms(1));
  EXPECT_FALSE(PathTable().mean_of("/x"));
}

TEST(Config, AServerMayHavePathsOfItsOwn) {
  const Config config = parse_config(
      R"({"servers": [{"port": 1, "paths": {"/health": 0.02}}, {"port": 2}], "paths": {"/": 20}})",
      "farm.json");
  EXPECT_EQ(config.servers[0].paths.mean_of("/health"), from_ms(0.02));
  EXPECT_FALSE(config.servers[0].paths.mean_of("/x"));
  EXPECT_FALSE(config.servers[1].paths.mean_of("/health"));
}

TEST(Config, EventsComeInOrderOfTimeThenAsWritten) {
  const Config config = parse_config(
      R"({"servers": [{"port": 19100, "count": 8}],
          "events": [{"at": 5, "server": "3,5-7", "slow": 20},
                     {"at": 1, "server": 0, "down": true},
                     {"at": 5, "server": "all", "slow": 1}]})",
      "farm.json");
  ASSERT_EQ(config.events.size(), 3U);
  EXPECT_EQ(config.events[0].at, from_seconds(1));
  EXPECT_EQ(config.events[1].servers, (std::vector<std::size_t>{3, 5, 6, 7}));
  EXPECT_EQ(config.events[2].servers.size(), 8U);
}

TEST(Config, ARefusalNamesFilePlaceValueAndWhatIsAccepted) {
  EXPECT_EQ(refusal_of(R"({"servers": [{"port": 19100}, {"port": 19101, "slots": "many"}]})"),
            "farm.json: servers[1].slots: \"many\" is refused; accepted: "
            "a whole number from 0 (no limit) to 1000000");
}

TEST(Config, WhatIsUnknownOrOutOfBoundsIsRefused) {
  const auto contains = [](const std::string& text, const std::string& part) {
    const std::string refusal = refusal_of(text);
    EXPECT_NE(refusal.find(part), std::string::npos) << refusal;
  };
  contains("{", "farm.json: not JSON");
  contains("[]", "an object");
  contains("{}", "servers");
  contains(R"({"servers": []})", "1 to 4096");
  contains(R"({"servers": [{"port": 1, "count": 4096}, {"port": 1}]})", "1 to 4096");
  contains(R"({"servers": [{"port": 65535, "count": 2}]})", "as many as there are ports");
  contains(R"({"servers": [{"slots": 1}]})", "port");
  contains(R"({"servers": [{"port": 0}]})", "1 to 65535");
  contains(R"({"servers": [{"port": 1, "slot": 1}]})", "the key \"slot\"");
  contains(R"({"servers": [{"port": 1, "slots": 1.5}]})", "a whole number");
  contains(R"({"servers": [{"port": 1, "error_share": 1.1}]})", "0 to 1");
  contains(R"({"servers": [{"port": 1, "do": "bogus"}]})", "truncate-chunked");
  contains(R"({"servers": [{"port": 1, "warm_up": "10"}]})", "TIMES:SECONDS");
  contains(R"({"servers": [{"port": 1, "name": "a"}, {"port": 2, "name": "a"}]})", "no other");
  contains(R"({"servers": [{"port": 1}], "paths": {"a": 1}})", "a path from /");
  contains(R"({"servers": [{"port": 1}], "events": [{"server": 0, "slow": 1}]})", "at");
  contains(R"({"servers": [{"port": 1}], "events": [{"at": 1, "slow": 1}]})", "server");
  contains(R"({"servers": [{"port": 1}], "events": [{"at": 1, "server": 1, "slow": 1}]})",
           "0 to 0");
  contains(R"({"servers": [{"port": 1}], "event": []})", "the key \"event\"");
}

TEST(Behaviour, ARefusedValueChangesNothing) {
  Behaviour behaviour;
  behaviour.slow = 3;
  EXPECT_THROW(set_key(behaviour, "x", "slow", -1), UsageError);
  EXPECT_EQ(behaviour.slow, 3);
}

TEST(Behaviour, QueriesMayWriteOneForTrue) {
  Behaviour behaviour;
  set_key(behaviour, "x", "hang", json_from_text("1"));
  EXPECT_TRUE(behaviour.hangs);
  set_key(behaviour, "x", "hang", json_from_text("false"));
  EXPECT_FALSE(behaviour.hangs);
  set_key(behaviour, "x", "distribution", json_from_text("const"));
  EXPECT_EQ(behaviour.distribution, Distribution::kConst);
  EXPECT_THROW(set_key(behaviour, "x", "hang", json_from_text("2")), UsageError);
}

}  // namespace
}  // namespace leastwise::bench
