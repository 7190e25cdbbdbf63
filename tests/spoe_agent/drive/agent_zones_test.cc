#include "drive/agent_zones.h"

#include <gtest/gtest.h>

namespace leastwise::drive {
namespace {

using discovery::Targets;

TEST(AgentZones, OnlyThoseThatDifferAreTold) {
  const Targets wanted = {{"10.0.0.1:80", {.remote = true}},
                          {"10.0.0.2:80", {.remote = false}},
                          {"[fd00::3]:80", {.remote = true}}};
  std::vector<Placing> placings;
  ASSERT_TRUE(placings_of(R"([{"id":0,"server":"s1@10.0.0.1:80","remote":false},
                              {"id":1,"server":"s2@10.0.0.2:80","remote":false},
                              {"id":2,"server":"s3@[fd00::3]:80","remote":false},
                              {"id":3,"server":"s4@10.0.0.9:80","remote":true},
                              {"id":4,"server":"of no address","remote":true}])",
                          wanted, placings));
  EXPECT_EQ(placings, (std::vector<Placing>{{"s1", true}, {"s3", true}}));
}

TEST(AgentZones, AnswersOfSomebodyElseAreNone) {
  std::vector<Placing> placings;
  for (const char* text : {"", "{}", "[1]", R"([{"server":1,"remote":true}])",
                           R"([{"server":"s1@10.0.0.1:80"}])", "[{}]"}) {
    EXPECT_FALSE(placings_of(text, {}, placings)) << text;
  }
}

}  // namespace
}  // namespace leastwise::drive
