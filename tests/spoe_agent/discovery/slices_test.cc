#include <gtest/gtest.h>

#include <string>

#include "discovery/kubernetes/slices.h"

namespace leastwise::discovery::kubernetes {
namespace {

std::string endpoint(const std::string& ip, const std::string& conditions = "") {
  return R"({"addresses":[")" + ip + R"("],"conditions":{)" + conditions + R"(},"zone":"z"})";
}

std::string slice(const std::string& name, const std::string& endpoints,
                  const std::string& ports = R"({"name":"http","port":80})",
                  const std::string& type = "IPv4") {
  return R"({"metadata":{"name":")" + name + R"(","resourceVersion":"7"},"addressType":")" + type +
         R"(","ports":[)" + ports + R"(],"endpoints":[)" + endpoints + "]}";
}

struct Fixture : testing::Test {
  bool list(const std::string& items) {
    return slices.read_list(
        R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":"5"},"items":[)" + items +
            "]}",
        version, error);
  }
  // "10.0.0.1:80 ~10.0.0.2:80": the second one drains.
  std::string targets(const std::string& port = "", Family family = Family::kAuto) {
    std::string text;
    for (const auto& [address, target] : slices.targets({port}, family, "", trouble)) {
      text +=
          (text.empty() ? "" : " ") + std::string(target.state == State::kUp ? "" : "~") + address;
    }
    return text;
  }
  Slices::Event event(const std::string& type, const std::string& object) {
    return slices.read_event(R"({"type":")" + type + R"(","object":)" + object + "}");
  }

  Slices slices;
  std::string version, error, trouble;
};

using SlicesOfAService = Fixture;
using Kind = Slices::Event::Kind;

TEST_F(SlicesOfAService, TellReadyAndTerminatingFromTheRest) {
  ASSERT_TRUE(list(slice(
      "a", endpoint("10.0.0.1") + "," +  // nothing said: ready
               endpoint("10.0.0.2", R"("ready":true)") + "," +
               endpoint("10.0.0.3", R"("ready":false)") + "," +
               endpoint("10.0.0.4", R"("ready":false,"serving":true,"terminating":true)") + "," +
               endpoint("10.0.0.5", R"("ready":false,"serving":false,"terminating":true)") + "," +
               endpoint("10.0.0.6", R"("ready":null)"))));
  EXPECT_EQ(targets(), "10.0.0.1:80 10.0.0.2:80 ~10.0.0.4:80 10.0.0.6:80");
  EXPECT_EQ(version, "5");
}

TEST_F(SlicesOfAService, OneInTwoSlicesCountsOnceAndIsUpIfOneSaysSo) {
  const std::string going = R"("ready":false,"serving":true,"terminating":true)";
  ASSERT_TRUE(list(slice("a", endpoint("10.0.0.1", going)) + "," +
                   slice("b", endpoint("10.0.0.1")) + "," +
                   slice("c", endpoint("10.0.0.1", going))));
  EXPECT_EQ(targets(), "10.0.0.1:80");
}

TEST_F(SlicesOfAService, OfTwoFamiliesOneIsUsed) {
  const std::string both = slice("a", endpoint("10.0.0.1")) + "," +
                           slice("b", endpoint("fd00::1"), R"({"name":"http","port":80})", "IPv6");
  ASSERT_TRUE(list(both));
  EXPECT_EQ(targets(), "10.0.0.1:80");
  EXPECT_EQ(targets("", Family::kIpv6), "[fd00::1]:80");
  EXPECT_EQ(targets("", Family::kBoth), "10.0.0.1:80 [fd00::1]:80");
  ASSERT_TRUE(list(slice("b", endpoint("fd00::1"), R"({"name":"http","port":80})", "IPv6")));
  EXPECT_EQ(targets(), "[fd00::1]:80");
  EXPECT_EQ(targets("", Family::kIpv4), "");
}

TEST_F(SlicesOfAService, APortIsChosenByNameOrNumber) {
  const std::string two = R"({"name":"http","port":80},{"name":"admin","port":9000})";
  ASSERT_TRUE(list(slice("a", endpoint("10.0.0.1"), two)));
  EXPECT_EQ(targets("admin"), "10.0.0.1:9000");
  EXPECT_EQ(targets("80"), "10.0.0.1:80");
  EXPECT_EQ(trouble, "");
  targets();
  EXPECT_EQ(
      trouble,
      "there are several ports: say which, as SERVICE:NAME; the pods have admin = 9000, http = 80");
  targets("443");
  EXPECT_EQ(trouble, "no port \"443\"; the pods have admin = 9000, http = 80");
}

// Pods of one Service may name their port alike and have it elsewhere, as during a change of it.
TEST_F(SlicesOfAService, ANamedPortIsThatOfEachSlice) {
  ASSERT_TRUE(list(slice("a", endpoint("10.0.0.1")) + "," +
                   slice("b", endpoint("10.0.0.2"), R"({"name":"http","port":8080})")));
  EXPECT_EQ(targets("http"), "10.0.0.1:80 10.0.0.2:8080");
}

TEST_F(SlicesOfAService, WithoutPortsANumberIsTakenAsItIs) {
  ASSERT_TRUE(list(slice("a", endpoint("10.0.0.1"), "")));
  EXPECT_EQ(targets("4000"), "10.0.0.1:4000");
  EXPECT_EQ(targets("http"), "");
}

TEST_F(SlicesOfAService, WithNobodyAreNoTrouble) {
  ASSERT_TRUE(list(""));
  EXPECT_EQ(targets("http"), "");
  EXPECT_EQ(trouble, "");
  ASSERT_TRUE(
      list(R"({"metadata":{"name":"a"},"addressType":"IPv4","ports":null,"endpoints":null})"));
  EXPECT_EQ(targets("http"), "");
  EXPECT_EQ(trouble, "");
}

TEST_F(SlicesOfAService, FollowAWatch) {
  ASSERT_TRUE(list(slice("a", endpoint("10.0.0.1"))));
  EXPECT_EQ(event("ADDED", slice("b", endpoint("10.0.0.2"))).version, "7");
  EXPECT_EQ(targets(), "10.0.0.1:80 10.0.0.2:80");
  event("MODIFIED", slice("b", endpoint("10.0.0.3")));
  event("DELETED", slice("a", endpoint("10.0.0.1")));
  EXPECT_EQ(targets(), "10.0.0.3:80");
  const auto bookmark = event("BOOKMARK", R"({"metadata":{"resourceVersion":"12"}})");
  EXPECT_EQ(bookmark.kind, Kind::kBookmark);
  EXPECT_EQ(bookmark.version, "12");
  EXPECT_EQ(targets(), "10.0.0.3:80");
  const auto gone = event("ERROR", R"({"code":410,"message":"too old"})");
  EXPECT_EQ(gone.kind, Kind::kError);
  EXPECT_EQ(gone.code, 410);
}

TEST_F(SlicesOfAService, WhatIsNoListChangesNothing) {
  ASSERT_TRUE(list(slice("a", endpoint("10.0.0.1"))));
  for (const char* text :
       {"", "7", "[]", "{}", R"({"kind":"EndpointSliceList"})",
        R"({"kind":"EndpointSliceList","items":[]})",
        R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":"5"},"items":"x"})",
        R"({"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[]})"}) {
    EXPECT_FALSE(slices.read_list(text, version, error)) << text;
    EXPECT_EQ(targets(), "10.0.0.1:80") << text;
  }
}

TEST_F(SlicesOfAService, WhatIsOfAnotherTypeIsPassedOver) {
  ASSERT_TRUE(list(
      R"(7,"x",null,[],{"metadata":7,"ports":{"port":1},"endpoints":[7,{"addresses":{}},{"addresses":[7]}]},)"
      R"({"metadata":{"name":"a"},"addressType":"IPv4","ports":[{"port":"80"},{"port":-1},{"port":70000},7],)"
      R"("endpoints":[{"addresses":["10.0.0.1","not an address",null],"conditions":[]}]},)" +
      slice("b", endpoint("10.0.0.2"))));
  EXPECT_EQ(targets("80"), "10.0.0.1:80 10.0.0.2:80");
  EXPECT_EQ(event("ADDED", "7").kind, Kind::kGarbage);
  EXPECT_EQ(slices.read_event("{\"type\":7}").kind, Kind::kGarbage);
  EXPECT_EQ(slices.read_event(std::string(100'000, '[')).kind, Kind::kGarbage);
}

}  // namespace
}  // namespace leastwise::discovery::kubernetes
