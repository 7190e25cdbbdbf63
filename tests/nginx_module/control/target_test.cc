#include "control/target.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::nginx {
namespace {

PathTarget parse(std::string_view path) {
  PathTarget target;
  EXPECT_EQ(parse_target(path, target), TargetError::kNone) << path;
  return target;
}

TEST(TargetTest, EachPathNamesItsLevel) {
  EXPECT_EQ(parse("").level, Level::kRoot);
  EXPECT_EQ(parse("/").level, Level::kRoot);
  EXPECT_EQ(parse("/9").level, Level::kVersion);
  EXPECT_EQ(parse("/9/in_flight").level, Level::kInFlight);
  EXPECT_EQ(parse("/9/http/").level, Level::kKind);
  EXPECT_EQ(parse("/9/stream/upstreams").level, Level::kUpstreams);
  EXPECT_EQ(parse("/9/http/upstreams/app").level, Level::kUpstream);
  EXPECT_EQ(parse("/9/stream/upstreams/app/elsewhere").level, Level::kElsewhere);
  EXPECT_EQ(parse("/9/http/upstreams/app/servers/").level, Level::kServers);
  const PathTarget server = parse("/9/http/upstreams/app/servers/12");
  EXPECT_EQ(server.level, Level::kServer);
  EXPECT_EQ(server.kind, "http");
  EXPECT_EQ(server.upstream, "app");
  EXPECT_EQ(server.id, 12U);
  EXPECT_EQ(parse("/9/http/upstreams/app/servers/12/uneject").action, Action::kUneject);
}

TEST(TargetTest, WhatIsNoPathIsRefused) {
  const auto error = [](std::string_view path) {
    PathTarget target;
    return parse_target(path, target);
  };
  EXPECT_EQ(error("/10/http"), TargetError::kVersion);
  EXPECT_EQ(error("//"), TargetError::kNone);
  EXPECT_EQ(error("/9/udp"), TargetError::kPath);
  EXPECT_EQ(error("/9/in_flight/http"), TargetError::kPath);
  EXPECT_EQ(error("/9/http/upstreams/a/elsewhere/1"), TargetError::kPath);
  EXPECT_EQ(error("/9/http/upstreams/a//servers"), TargetError::kPath);
  EXPECT_EQ(error("/9/http/upstreams/a/servers/1/eject/2"), TargetError::kPath);
  EXPECT_EQ(error("/9/http/upstreams/a/servers/1/"), TargetError::kNone);
  for (const std::string_view id : {"-1", "+1", " 1", "1 ", "4294967296", "x", "1e3"}) {
    EXPECT_EQ(error("/9/http/upstreams/a/servers/" + std::string(id)), TargetError::kId) << id;
  }
}

}  // namespace
}  // namespace leastwise::nginx
