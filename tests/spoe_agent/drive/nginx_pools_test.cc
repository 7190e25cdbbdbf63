// What nginx's control says of its pools, and what it is told.
#include "drive/nginx_pools.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace leastwise::drive {
namespace {

using sharing::hash_of;
using sharing::ServerReport;

TEST(NginxPools, AreKnownByNameAndThoseOfStreamByBoth) {
  std::vector<NginxPool> pools;
  ASSERT_TRUE(parse_in_flight(R"({"http":{"app":{"10.0.0.1:80":[3,0.25],"10.0.0.2:80":[0,0]},
                                   "b d":{}},"stream":{"app":{"10.0.0.1:80":[1,2]}}})",
                              pools));
  ASSERT_EQ(pools.size(), 3U);
  EXPECT_EQ(pools[0].path, "http/upstreams/app");
  EXPECT_EQ(pools[0].look.name, "app");
  EXPECT_EQ(pools[0].addresses, (std::vector<std::string>{"10.0.0.1:80", "10.0.0.2:80"}));
  EXPECT_EQ(pools[0].look.servers, (std::vector<ServerReport>{{hash_of("10.0.0.1:80"), 3, 0.25F},
                                                              {hash_of("10.0.0.2:80"), 0, 0}}));
  EXPECT_EQ(pools[1].path, "http/upstreams/b%20d");
  EXPECT_TRUE(pools[1].look.servers.empty());
  EXPECT_EQ(pools[2].path, "stream/upstreams/app");
  EXPECT_EQ(pools[2].look.name, "stream/app");
}

TEST(NginxPools, WhatIsNoAnswerOfControlIsRefused) {
  std::vector<NginxPool> pools;
  for (const char* text :
       {"", "<html>", "[]", "{}", "null", R"({"http":{}})", R"({"http":[],"stream":{}})",
        R"({"http":{"app":[]},"stream":{}})", R"({"http":{"app":{"a":1}},"stream":{}})",
        R"({"http":{"app":{"a":[1]}},"stream":{}})",
        R"({"http":{"app":{"a":[1,2,3]}},"stream":{}})",
        R"({"http":{"app":{"a":["1",2]}},"stream":{}})",
        R"({"http":{"app":{"a":[1,null]}},"stream":{}})", R"({"http":{},"stream":{}} x)"}) {
    EXPECT_FALSE(parse_in_flight(text, pools)) << text;
  }
  EXPECT_TRUE(parse_in_flight(R"({"http":{},"stream":{}})", pools));
  EXPECT_TRUE(pools.empty());
}

TEST(NginxPools, OfTooManyServersTheRestIsLeftOut) {
  std::string text = R"({"http":{"app":{)";
  for (std::size_t i = 0; i < sharing::kMostServers + 10; ++i) {
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":[1,1]";
  }
  std::vector<NginxPool> pools;
  ASSERT_TRUE(parse_in_flight(text + "}},\"stream\":{}}", pools));
  EXPECT_EQ(pools[0].addresses.size(), sharing::kMostServers);
  EXPECT_EQ(pools[0].look.servers.size(), sharing::kMostServers);
}

TEST(NginxPools, ATellingIsShortAndWithinWhatControlTakes) {
  const std::vector<std::string> addresses = {"a:1", "b:1", "c:1"};
  const std::vector<ServerReport> others = {{1, 2.3456F, 0.0126F}, {2, 0.01F, 9}, {3, 4e9F, 4e9F}};
  EXPECT_EQ(
      elsewhere_json(addresses, others, 3, false),
      R"({"balancers":3,"count":false,"servers":{"a:1":[2.35,0.013],"c:1":[1000000.0,1000000.0]}})");
  EXPECT_EQ(elsewhere_json(addresses, {}, 1, true), R"({"balancers":1,"count":true,"servers":{}})");
}

TEST(NginxPools, AnNginxThatIsNotThereIsNamed) {
  NginxPools pools("/nowhere/control.sock", false);
  try {
    pools.look();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()).find("/nowhere/control.sock: "), 0U) << error.what();
  }
}

}  // namespace
}  // namespace leastwise::drive
