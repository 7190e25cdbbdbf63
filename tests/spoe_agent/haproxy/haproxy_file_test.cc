#include "haproxy/haproxy_file.h"

#include <gtest/gtest.h>

namespace leastwise::agent {
namespace {

TEST(HaproxyFile, WordsAreReadAsHaproxyReadsThem) {
  const auto file = parse_haproxy_file(
      "backend app # not a word\n"
      "  http-request set-header X \"a 'b' #c\" if { path /x }   # why\n"
      "\tlog-format %ci\\ %cp'\\ '\n");
  ASSERT_EQ(file.size(), 1U);
  ASSERT_EQ(file[0].lines.size(), 2U);
  EXPECT_EQ(file[0].name, "app");
  EXPECT_EQ(file[0].lines[0].word(3), "a 'b' #c");
  EXPECT_EQ(file[0].lines[0].text, "http-request set-header X \"a 'b' #c\" if { path /x }");
  EXPECT_EQ(file[0].lines[1].word(1), "%ci %cp\\ ");
}

TEST(HaproxyFile, DefaultsAreTheLastOnesOrTheNamedOnes) {
  const auto file = parse_haproxy_file(
      "defaults tcp\n mode tcp\n"
      "defaults\n mode http\n option httplog\n"
      "backend a\n"
      "backend b from tcp\n"
      "backend c\n mode tcp\n no option httplog\n");
  ASSERT_EQ(file.size(), 5U);
  EXPECT_TRUE(file[2].is_http());
  EXPECT_FALSE(file[3].is_http());
  EXPECT_FALSE(file[4].is_http());
  EXPECT_NE(file[2].find({"option", "httplog"}), nullptr);
  EXPECT_EQ(file[2].find_own({"option", "httplog"}), nullptr);
  EXPECT_EQ(file[4].find({"option", "httplog"}), nullptr);
}

TEST(HaproxyFile, GarbageIsNoSection) {
  EXPECT_TRUE(parse_haproxy_file("server s1 1.2.3.4\n\"\n\\").empty());
  EXPECT_TRUE(parse_haproxy_file("").empty());
}

}  // namespace
}  // namespace leastwise::agent
