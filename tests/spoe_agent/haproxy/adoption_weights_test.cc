#include "haproxy/adoption_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "haproxy/adoption.h"

namespace leastwise::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kTwoServers = " server s1 10.0.0.1:80\n server s2 10.0.0.2:80\n";

std::string adopt_weights(const std::string& global, const std::string& lines,
                          const AgentConfig* agent = nullptr) {
  AdoptionRequest request;
  request.agent = agent;
  request.mode = Mode::kWeights;
  return adoption(parse_haproxy_file(
                      "global\n" + global +
                      "defaults\n mode http\n option httplog\nfrontend web\n default_backend app\n"
                      "backend app\n" +
                      lines + kTwoServers),
                  request);
}

constexpr const char* kAdminSocket =
    " stats socket /run/haproxy/admin.sock mode 660 level admin expose-fd listeners\n";

TEST(AdoptionWeights, WeightsNeedTheAgentsFileAlone) {
  EXPECT_EQ(adopt_weights(kAdminSocket, " balance random(2)\n"),
            "#### /etc/haproxy/haproxy.cfg: lines for these sections, at their end\n"
            "# backend app: needs no line in mode weights\n"
            "\n#### /etc/leastwise/leastwise.conf: new\n"
            "haproxy_socket /run/haproxy/admin.sock;\n"
            "status 127.0.0.1:9878;\nstate /var/lib/leastwise/spoa.state;\n"
            "backend app { mode weights; }\n");
}

TEST(AdoptionWeights, WeightsNeedAStatsSocketOfLevelAdmin) {
  EXPECT_THAT(adopt_weights(" stats socket /s mode 660 level user\n", ""),
              HasSubstr("global\n    # instead of: stats socket /s mode 660 level user\n"
                        "    stats socket /s mode 660 level admin\n"));
  EXPECT_THAT(adopt_weights(" stats socket /s\n", ""),
              HasSubstr("    stats socket /s level admin\n"));
  EXPECT_THAT(adopt_weights("", ""),
              HasSubstr("    stats socket /run/haproxy/admin.sock mode 660 level admin\n"));
}

TEST(AdoptionWeights, OfSeveralSocketsWeightsAreToldToThatOfLevelAdmin) {
  const std::string text = adopt_weights(" stats socket /s\n stats socket /t level admin\n", "");
  EXPECT_THAT(text, HasSubstr("haproxy_socket /t;"));
  EXPECT_THAT(text, Not(HasSubstr("global")));
}

TEST(AdoptionWeights, WeightsThatServersAskForNeedNoAdmin) {
  AgentConfig agent;
  agent.agent_check.emplace();
  EXPECT_THAT(adopt_weights(" stats socket /s\n", "", &agent), Not(HasSubstr("stats socket")));
}

TEST(AdoptionWeights, ABalanceThatKnowsNoWeightsIsNamed) {
  const char* cure = "knows no weights at run time; \"balance random(2)\" does";
  EXPECT_THAT(adopt_weights(kAdminSocket, " balance source\n"), HasSubstr(cure));
  EXPECT_THAT(adopt_weights(kAdminSocket, " balance static-rr\n"), HasSubstr(cure));
  EXPECT_THAT(adopt_weights(kAdminSocket, " balance source\n hash-type consistent\n"),
              Not(HasSubstr("# note")));
  EXPECT_THAT(adopt_weights(kAdminSocket, " server s3 10.0.0.3:80 maxconn 9\n"),
              HasSubstr("# note: weights gain most with \"balance leastconn\"\n"));
}

TEST(AdoptionWeights, BackendsOfEachModeStandSideBySide) {
  AgentConfig agent;
  agent.backends.push_back({.name = "app", .settings = {}});
  agent.backends.push_back({.name = "slow", .settings = {}, .mode = Mode::kWeights});
  AdoptionRequest request;
  request.agent = &agent;
  const std::string file =
      std::string("global\n") + kAdminSocket + "frontend web\n use_backend slow if { path / }\n" +
      " default_backend app\nfrontend other\n default_backend slow\nbackend app\n" + kTwoServers +
      "backend slow\n balance leastconn\n" + kTwoServers;
  const std::string text = adoption(parse_haproxy_file(file), request);
  EXPECT_THAT(text, HasSubstr("frontend web\n    log 127.0.0.1:9877"));
  EXPECT_THAT(text, Not(HasSubstr("frontend other")));
  EXPECT_THAT(text, HasSubstr("backend app\n    filter spoe"));
  EXPECT_THAT(text, HasSubstr("# backend slow: needs no line in mode weights\n"));
}

TEST(AdoptionWeights, AFilterThatStillAsksIsNamed) {
  AgentConfig agent;
  agent.backends.push_back({.name = "app", .settings = {}});
  const std::string text = adopt_weights(
      kAdminSocket, " filter spoe engine leastwise config /l.conf\n balance leastconn\n", &agent);
  EXPECT_THAT(text,
              HasSubstr("    # note: it still asks the agent: take out \"filter spoe engine"));
  EXPECT_THAT(text, HasSubstr("instead of any other mode:\n    mode weights;\n"));
}

TEST(AdoptionWeights, TheSocketOfTheAgentsFileIsKnownByItsPath) {
  AgentConfig agent = parse_config("leastwise.conf",
                                   "haproxy_socket /run/haproxy/admin.sock;\n"
                                   "backend app { mode weights; }\n");
  for (const char* same : {" stats socket unix@/run/haproxy/admin.sock level admin\n",
                           " stats socket /var/run/haproxy/admin.sock level admin\n"}) {
    EXPECT_THAT(adopt_weights(same, "", &agent), Not(HasSubstr("    stats socket"))) << same;
  }
  EXPECT_THAT(adopt_weights(" stats socket /other level admin\n", "", &agent),
              HasSubstr("    stats socket /run/haproxy/admin.sock mode 660 level admin\n"));
}

}  // namespace
}  // namespace leastwise::agent
