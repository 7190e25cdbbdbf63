#include "haproxy/adoption.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace leastwise::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kTwoServers = " server s1 10.0.0.1:80\n server s2 10.0.0.2:80\n";

std::string adopt(const std::string& file, AdoptionRequest request = {}) {
  return adoption(parse_haproxy_file(file), request);
}

std::string adopt_backend(const std::string& lines) {
  return adopt("defaults\n mode http\nfrontend web\n default_backend app\nbackend app\n" + lines +
               kTwoServers);
}

std::string adopt_frontend(const std::string& lines, AdoptionRequest request = {}) {
  return adopt("global\n log 10.0.0.9 local0\ndefaults\n mode http\n log global\nfrontend web\n" +
                   lines + "\n default_backend app\nbackend app\n" + kTwoServers,
               request);
}

TEST(Adoption, HaproxyIsNotAskedForAClientThatHasACookie) {
  const std::string text = adopt_backend(" cookie SRV insert indirect nocache\n");
  EXPECT_THAT(text, HasSubstr("filter spoe engine app config"));
  EXPECT_THAT(text, HasSubstr("[app]\n"));
  EXPECT_THAT(text, HasSubstr("gt 0 } !{ req.cook(SRV) -m found }\n"));
}

TEST(Adoption, ACookieIsInsertedAlsoForAServerThatWasNamed) {
  EXPECT_THAT(adopt_backend(" cookie SRV insert indirect\n"),
              HasSubstr("    # instead of: cookie SRV insert indirect\n"
                        "    cookie SRV insert indirect maxlife 3650d\n"));
  EXPECT_THAT(adopt_backend(" cookie SRV insert maxidle 1h\n"), Not(HasSubstr("3650d")));
  EXPECT_THAT(adopt_backend(" cookie SRV prefix\n"), Not(HasSubstr("3650d")));
}

TEST(Adoption, AnEntryOfAStickTableComesFirst) {
  EXPECT_THAT(adopt_backend(" stick-table type ip size 1k\n stick on src\n"),
              HasSubstr("!{ src,table_server_id(app) gt 0 }"));
  EXPECT_THAT(adopt_backend(" stick match req.hdr(x),lower table t if { path / }\n"),
              HasSubstr("!{ req.hdr(x),lower,table_server_id(t) gt 0 }"));
}

TEST(Adoption, TheLogIsTheUsersOwnWithOursBehindIt) {
  EXPECT_THAT(adopt_frontend(" option httplog"),
              HasSubstr("# instead of: option httplog\n    log-format \"%ci:%cp [%tr] %ft %b/%s "));
  EXPECT_THAT(adopt_frontend(" log-format \"%ci \\\"%r\\\" mine\""),
              HasSubstr("log-format \"%ci \\\"%r\\\" mine leastwise id="));
  EXPECT_THAT(adopt_frontend(" log-format '%{+Q}o %ci'"), HasSubstr("%ci %{-Q}o leastwise id="));
  EXPECT_THAT(adopt_frontend(" option httplog clf"), HasSubstr("%hsl %{-Q}o leastwise id="));
}

TEST(Adoption, OfJsonOursIsAString) {
  EXPECT_THAT(adopt_frontend(" log-format '{\"a\":\"%ci\"}'"),
              HasSubstr(R"(log-format "{\"a\":\"%ci\",\"leastwise\":\"leastwise id=)"));
  EXPECT_THAT(adopt_frontend(" log-format '{\"a\":\"%ci\"}'"), HasSubstr("\\\"}\"\n"));
}

TEST(Adoption, WithLogProfilesTheUsersLogIsLeftAlone) {
  AdoptionRequest request;
  request.version = parse_haproxy_version("HAProxy version 3.2.26-1 2026/10/14");
  const std::string text = adopt_frontend(" option httplog", request);
  EXPECT_THAT(text, HasSubstr("profile leastwise local0\n"));
  EXPECT_THAT(text, HasSubstr("log-profile leastwise\n"));
  EXPECT_THAT(text, Not(HasSubstr("log-format")));
  // All logs come as soon as the user's format is complete, which of this one is before the end.
  EXPECT_THAT(adopt_frontend(" log-format %ci", request), HasSubstr("\"%ci leastwise id="));
}

TEST(Adoption, WithLogProfilesAFormatOfOnesOwnIsLeftAloneIfItWaitsForTheEnd) {
  AdoptionRequest request;
  request.version = parse_haproxy_version("3.1");
  for (const char* late : {" log-format \"%ci %Ta\"", " log-format '%{+json}o %(took)Ta %ci'",
                           " log-format '{\"bytes\":%{+Q}B}'", " log-format %[src]%ts"}) {
    const std::string text = adopt_frontend(late, request);
    EXPECT_THAT(text, HasSubstr("profile leastwise local0\n")) << late;
    EXPECT_THAT(text, Not(HasSubstr("    log-format"))) << late;
    EXPECT_THAT(text, Not(HasSubstr("note: a log-format"))) << late;
  }
  for (const char* early :
       {" log-format \"%ci %%Ta\"", " log-format %ID", " log-format %ST%", " log-format %{Ta",
        " option httplog\n log-steps accept", " option httplog\n option logasap"}) {
    EXPECT_THAT(adopt_frontend(early, request), Not(HasSubstr("profile leastwise"))) << early;
  }
  EXPECT_THAT(adopt_frontend(" log-format \"%Ta leastwise id=%[var(txn.leastwise.id)]\"", request),
              Not(HasSubstr("profile")));
}

TEST(Adoption, TheAgentsBackendHasItsModeWhereThereIsOne) {
  AdoptionRequest request;
  request.version = parse_haproxy_version("3.0.11");
  EXPECT_THAT(adopt_frontend("", request), Not(HasSubstr("mode spop")));
  request.version = parse_haproxy_version("3.2.26");
  EXPECT_THAT(adopt_frontend("", request),
              HasSubstr("backend leastwise_agent from leastwise\n    mode spop\n    option "));
}

TEST(Adoption, OrdinaryRequestsStayOutOfTheUsersLogByTheirLevel) {
  const std::string text = adopt_frontend(" option httplog\n option dontlog-normal");
  EXPECT_THAT(text, HasSubstr("# instead of: option dontlog-normal\n"
                              "    option log-separate-errors\n    no log\n"
                              "    log 10.0.0.9 local0 notice\n    log 127.0.0.1:9877 "));
}

TEST(Adoption, OfAListenBothHalvesAreInOneSection) {
  const std::string text = adopt(std::string("listen all\n bind :80\n") + kTwoServers);
  EXPECT_THAT(text, HasSubstr("listen all\n    log 127.0.0.1:9877"));
  EXPECT_THAT(text, HasSubstr("engine leastwise-listen-tcp config"));
}

TEST(Adoption, AFrontendThatLeadsElsewhereIsLeftAlone) {
  const std::string text = adopt(
      std::string("frontend other\n default_backend single\nbackend single\n server a 10.0.0.1:1\n"
                  "frontend web\n use_backend %[var(txn.x)]\nbackend app\n") +
      kTwoServers);
  EXPECT_THAT(text, Not(HasSubstr("frontend other")));
  EXPECT_THAT(text, Not(HasSubstr("backend single")));
  EXPECT_THAT(text, HasSubstr("frontend web\n    log "));
}

TEST(Adoption, RedispatchIsLeftAsTheUserHasIt) {
  EXPECT_THAT(adopt_backend(""), HasSubstr("    option redispatch 1\n"));
  EXPECT_THAT(adopt_backend(" option redispatch\n"), Not(HasSubstr("    option redispatch")));
  EXPECT_THAT(adopt_backend(" no option redispatch\n"), Not(HasSubstr("    option redispatch")));
  EXPECT_THAT(adopt_backend(" cookie SRV rewrite\n"), Not(HasSubstr("    option redispatch")));
}

TEST(Adoption, WithAChrootTheAgentHasAPort) {
  const std::string text = adopt(std::string("global\n chroot /var/lib/haproxy\n stats socket /s\n"
                                             "backend app\n") +
                                 kTwoServers);
  EXPECT_THAT(text, HasSubstr("server agent 127.0.0.1:9876 check"));
  EXPECT_THAT(text, HasSubstr("listen 127.0.0.1:9876;"));
  EXPECT_THAT(text, HasSubstr("haproxy_socket /s;"));
}

// The file of the package has a socket, and Debian's haproxy.cfg a chroot.
TEST(Adoption, ASocketOutsideOfTheChrootIsReplacedByAPort) {
  AgentConfig agent;
  agent.backends.push_back({.name = "app", .settings = {}});
  agent.listen.text = "unix:/run/leastwise/spoa.sock";
  AdoptionRequest request;
  request.agent = &agent;
  const std::string file = std::string(
                               "global\n chroot /var/lib/haproxy/\n stats socket /s\n"
                               "backend app\n") +
                           kTwoServers;
  const std::string text = adopt(file, request);
  EXPECT_THAT(text, HasSubstr("server agent 127.0.0.1:9876 check"));
  EXPECT_THAT(text, HasSubstr("leastwise.conf: add\n"
                              "# instead of: listen unix:/run/leastwise/spoa.sock;\n"
                              "listen 127.0.0.1:9876;\n"));
  EXPECT_THAT(adopt(file + "backend leastwise_agent\n server agent unix@/x\n", request),
              Not(HasSubstr("9876")));
}

TEST(Adoption, ASocketWithinTheChrootIsNamedAsHaproxySeesIt) {
  AgentConfig agent;
  agent.backends.push_back({.name = "app", .settings = {}});
  agent.listen.text = "unix:/var/lib/haproxy/run/leastwise/spoa.sock";
  AdoptionRequest request;
  request.agent = &agent;
  const std::string text =
      adopt(std::string("global\n chroot /var/lib/haproxy\nbackend app\n") + kTwoServers, request);
  EXPECT_THAT(text, HasSubstr("server agent unix@/run/leastwise/spoa.sock check"));
  EXPECT_THAT(text, Not(HasSubstr("listen")));
}

// As if what is printed for `file` had been pasted: all new lines at the end of a section.
constexpr const char* kAdopted =
    "defaults\n mode http\n"
    "frontend web\n default_backend app\n"
    " log 127.0.0.1:9877 len 8192 format raw local0\n"
    " log-format \"%ci leastwise id=%[var(txn.leastwise.id)] s=%s\"\n"
    "backend app\n server s1 10.0.0.1:80\n server s2 10.0.0.2:80\n"
    " filter spoe engine leastwise config /etc/haproxy/leastwise.spoe.conf\n"
    " use-server %[var(txn.leastwise.srv)] if { var(txn.leastwise.srv) -m found }\n"
    " use-server %[var(txn.leastwise.srv2)] if { var(txn.leastwise.srv2) -m found }\n"
    " option redispatch 1\n"
    " http-response set-var-fmt(txn.leastwise.more) \"grpc=%[res.hdr(grpc-status)]\"\n"
    "backend leastwise_agent\n server agent 127.0.0.1:9876 check\n";

AdoptionRequest again() {
  AdoptionRequest request;
  request.spoe_text = "# by hand\n\n[leastwise]\n\nspoe-agent leastwise-agent\n\n [of-old]\n";
  return request;
}

TEST(Adoption, WhatIsThereAlreadyIsNotPrintedAgain) {
  const std::string text = adopt(kAdopted, again());
  EXPECT_THAT(text, HasSubstr("# frontend web: has its lines already\n"
                              "# backend app: has its lines already\n"));
  for (const char* ours : {"    filter spoe", "    use-server", "    log", "    http-response",
                           "leastwise.spoe.conf", "backend leastwise_agent"}) {
    EXPECT_THAT(text, Not(HasSubstr(ours)));
  }
}

TEST(Adoption, OfANewBackendOnlyWhatIsMissingIsPrinted) {
  AdoptionRequest request = again();
  request.backends = {"newb"};
  const std::string new_backend = std::string("backend newb\n") + kTwoServers;
  std::string text = adopt(kAdopted + new_backend, request);
  EXPECT_THAT(text, HasSubstr("backend newb\n    filter spoe engine leastwise config "
                              "/etc/haproxy/leastwise.spoe.conf\n    use-server"));
  EXPECT_THAT(text, Not(HasSubstr("backend app")));
  EXPECT_THAT(text, Not(HasSubstr("leastwise.spoe.conf: ")));  // [leastwise] is there
  text = adopt(kAdopted + new_backend + " cookie SRV insert indirect nocache\n", request);
  EXPECT_THAT(text, HasSubstr("#### /etc/haproxy/leastwise.spoe.conf: add\n\n[newb]\n"));
  EXPECT_THAT(text, Not(HasSubstr("[leastwise]")));
}

TEST(Adoption, ABackendBehindOurDefaultsIsToldSo) {
  AdoptionRequest request = again();
  request.backends = {"newb"};
  const std::string new_backend = std::string("backend newb\n") + kTwoServers;
  const std::string ours = "defaults leastwise\n mode tcp\n";
  EXPECT_THAT(adopt(kAdopted + ours + new_backend, request),
              HasSubstr("    # note: this section "));
  EXPECT_THAT(adopt(kAdopted + new_backend + ours, request), Not(HasSubstr("# note")));
}

TEST(Adoption, AnEngineThatAFilterNamesAndNoFileHasIsPrinted) {
  EXPECT_THAT(adopt(kAdopted), HasSubstr("leastwise.spoe.conf: new\n"));
  AdoptionRequest request;
  request.spoe_text = "[other]\n";
  EXPECT_THAT(adopt(kAdopted, request), HasSubstr("leastwise.spoe.conf: add\n\n[leastwise]\n"));
}

TEST(Adoption, AFilterForAnotherAgentIsNotOurs) {
  EXPECT_THAT(adopt_backend(" filter spoe engine waf config /etc/haproxy/waf.conf\n"),
              HasSubstr("    filter spoe engine leastwise config"));
}

TEST(Adoption, ReportsThatWereSwitchedOnSinceReplaceTheLine) {
  AgentConfig agent;
  agent.backends.push_back({.name = "app", .settings = {}});
  agent.backends[0].settings.report = ReportMetric("on");
  AdoptionRequest request = again();
  request.agent = &agent;
  EXPECT_THAT(adopt(kAdopted, request),
              HasSubstr("backend app\n    # instead of: http-response set-var-fmt("
                        "txn.leastwise.more) \"grpc=%[res.hdr(grpc-status)]\"\n"
                        "    http-response set-var-fmt(txn.leastwise.more) \"grpc="));
}

// From a file of `mode weights` alone, as the guide begins with.
TEST(Adoption, FromWeightsToPicksTheAgentsFileGetsWhatItLacks) {
  AgentConfig agent;
  agent.backends.push_back({.name = "app", .settings = {}, .mode = Mode::kWeights});
  AdoptionRequest request;
  request.agent = &agent;
  request.mode = Mode::kPick;
  const std::string text = adopt_frontend("", request);
  EXPECT_THAT(text, HasSubstr("server agent unix@/run/leastwise/spoa.sock check"));
  EXPECT_THAT(text, HasSubstr("leastwise.conf: add\n"
                              "listen unix:/run/leastwise/spoa.sock;\n"
                              "feedback 127.0.0.1:9877;\n"
                              "# in backend app, instead of any other mode:\n"
                              "    mode pick;\n"));
}

TEST(Adoption, ABackendThatIsNotThereIsNamed) {
  AdoptionRequest request;
  request.backends = {"nope"};
  EXPECT_THROW(adopt("backend app\n", request), std::runtime_error);
}

TEST(HaproxyVersion, IsReadFromWhatHaproxyPrints) {
  EXPECT_FALSE(parse_haproxy_version("HAProxy version 2.6.12-1+deb12u4").has_log_profiles());
  EXPECT_TRUE(parse_haproxy_version("3.1").has_log_profiles());
  EXPECT_TRUE(parse_haproxy_version("4.0").has_mode_spop());
  EXPECT_FALSE(parse_haproxy_version("3.0.11").has_mode_spop());
  EXPECT_FALSE(parse_haproxy_version("none").has_log_profiles());
  EXPECT_FALSE(parse_haproxy_version("3").has_log_profiles());
}

std::string adopt_models(const std::string& policy, const std::string& global,
                         const std::string& lines = "") {
  const Policy named{policy, "", nullptr, nullptr};
  AgentConfig agent = parse_config("leastwise.conf", "listen 127.0.0.1:9876;\nbackend app {}\n");
  agent.backends.front().settings.policy = &named;
  AdoptionRequest request;
  request.agent = &agent;
  return adopt("global\n" + global + "defaults\n mode http\nfrontend web\n default_backend app\n" +
                   "backend app\n" + lines + kTwoServers,
               request);
}

TEST(Adoption, OfModelServersTheBodyIsDigestedAndTheFirstTokenTold) {
  const std::string text = adopt_models("inference", "");
  for (const char* line :
       {"global\n    stats socket /run/haproxy/admin.sock mode 660 level user\n    tune.bufsize "
        "131072\n",
        "    option http-no-delay\nbackend app\n", "    option http-buffer-request\n",
        "    http-response wait-for-body time 1h at-least 1 if { status 200 } { res.hdr(",
        "    http-response send-spoe-group leastwise-inference leastwise-token if {",
        "filter spoe engine leastwise-inference config", "    groups leastwise-token\n",
        "d0=req.body,bytes(0,256),xxh64", "d27=req.body,bytes(0,105879),xxh64",
        "model=req.body,json_query('$.model')", "spoe-group leastwise-token\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("d28=")));
}

TEST(Adoption, ThereAreAsManyDigestsAsTheBufferHasRoomFor) {
  const std::string text = adopt_models("inference", " tune.bufsize 16384\n");
  EXPECT_THAT(text, HasSubstr("d17=req.body,bytes(0,11368),xxh64"));
  EXPECT_THAT(text, Not(HasSubstr("d18=")));
  EXPECT_THAT(text, Not(HasSubstr("tune.bufsize")));
}

TEST(Adoption, OtherBackendsHaveNothingOfThat) {
  EXPECT_THAT(adopt_models("adaptive", ""), Not(HasSubstr("http-no-delay")));
  EXPECT_THAT(adopt_models("inference", "", " mode tcp\n"), Not(HasSubstr("http-no-delay")));
}

}  // namespace
}  // namespace leastwise::agent
