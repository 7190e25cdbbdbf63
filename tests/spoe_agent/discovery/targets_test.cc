#include "discovery/targets.h"

#include <gtest/gtest.h>

namespace leastwise::discovery {
namespace {

TEST(Targets, OneAddressHasOneName) {
  EXPECT_EQ(address_of("10.0.0.1", 80), "10.0.0.1:80");
  EXPECT_EQ(address_of("2001:DB8:0:0::1", 8080), "[2001:db8::1]:8080");
  EXPECT_EQ(address_of("::ffff:10.0.0.1", 80), "10.0.0.1:80");
}

TEST(Targets, WhatIsNoAddressIsNone) {
  for (const char* text :
       {"", "web", "10.0.0.256", "10.0.0.1 ", "10.0.0.1\n", "[::1]", "fe80::1%eth0",
        "1000:1000:1000:1000:1000:1000:1000:1000:1000:1000:1000"}) {
    EXPECT_EQ(address_of(text, 80), "") << text;
  }
  EXPECT_EQ(address_of("10.0.0.1", 0), "");
}

TEST(Targets, AreSummedUpForPeople) {
  EXPECT_EQ(summary_of({}), "0 servers");
  EXPECT_EQ(summary_of({{"a:1", {}}}), "1 server");
  EXPECT_EQ(summary_of({{"a:1", {}}, {"b:1", {.state = State::kDraining}}}),
            "2 servers, 1 of them draining");
}

}  // namespace
}  // namespace leastwise::discovery
