#include "access_log.h"

#include <gtest/gtest.h>

#include <sstream>
#include <stdexcept>

#include "engine/engine.h"
#include "policies/policy_list.h"

namespace leastwise::sim {
namespace {

AccessLog read(const std::string& text) {
  std::istringstream in(text);
  return read_access_log(in);
}

TEST(AccessLogTest, ReadsTimesRoutesAndServiceTimes) {
  const AccessLog log = read("1700000000.500,/a,0.010\r\n1700000000.250,/b,x,0.020\n");
  ASSERT_EQ(log.entries.size(), 2U);
  // In order of time, from 0; commas inside of the route are the route's.
  EXPECT_EQ(log.entries[0].at_ms, 0);
  EXPECT_EQ(log.routes[log.entries[0].route], "/b,x");
  EXPECT_EQ(log.entries[0].service_ms, 20);
  EXPECT_NEAR(log.entries[1].at_ms, 250, 1e-3);
  EXPECT_EQ(log.routes[log.entries[1].route], "/a");
}

TEST(AccessLogTest, SkipsAndCountsOtherLines) {
  const AccessLog log = read("time,route,service\n1,/a,-\n\n1,/a\n1,/a,nan\n1,/a,-1\n1,/a,0.1\n");
  EXPECT_EQ(log.entries.size(), 1U);
  EXPECT_EQ(log.skipped, 6U);
}

TEST(AccessLogTest, ReplaysEveryRequest) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += std::to_string(i * 0.01) + (i % 2 == 0 ? ",/a," : ",/b,") + "0.005\n";
  }
  Scenario base;
  base.servers = 2;
  base.cores = {1};
  const Scenario s = replay_scenario(read(text), base, 2);
  const Result r = Engine(s).run(policy_named("adaptive").make);
  EXPECT_EQ(r.picks[0] + r.picks[1], 1000U);
  // One request per 5 ms and one core each: nobody waits, 5 ms and the way.
  EXPECT_NEAR(r.all.mean(), 5.5, 1e-6);
  EXPECT_EQ(r.requests, 900U);  // a tenth of the time is not counted
}

TEST(AccessLogTest, AnEmptyLogIsAnError) {
  EXPECT_THROW(replay_scenario(read("x\n"), {}, 1), std::invalid_argument);
  EXPECT_THROW(replay_scenario(read("1,/a,1\n"), {}, 0), std::invalid_argument);
}

}  // namespace
}  // namespace leastwise::sim
