#include "config/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace leastwise::agent {
namespace {

constexpr std::string_view kComplete = R"(
# a comment; with } and {
listen unix:/run/leastwise/spoa.sock;
feedback 127.0.0.1:9877; haproxy_socket "/run/haproxy/admin.sock";
status [::1]:9878; control_token_file /etc/leastwise/token;
state '/var/lib/leastwise/spoa.state';
log_level warning;
backend app { policy least_conn; decay 20s; }
backend api{}
)";

TEST(ConfigFile, ReadsEveryDirective) {
  const AgentConfig config = parse_config("f", kComplete);
  EXPECT_EQ(config.listen.path, "/run/leastwise/spoa.sock");
  EXPECT_EQ(config.feedback->port, 9877);
  EXPECT_EQ(config.haproxy_socket->path, "/run/haproxy/admin.sock");
  EXPECT_EQ(config.status->host, "::1");
  EXPECT_EQ(config.state, "/var/lib/leastwise/spoa.state");
  EXPECT_EQ(config.control_token_file, "/etc/leastwise/token");
  EXPECT_EQ(config.log_level, LogLevel::kWarning);
  ASSERT_EQ(config.backends.size(), 2U);
  EXPECT_EQ(config.backends[0].name, "app");
  EXPECT_EQ(config.backends[0].settings.chosen_policy().name, "least_conn");
  EXPECT_EQ(config.backends[0].settings.decay, std::chrono::seconds(20));
  EXPECT_EQ(config.backends[1].settings.chosen_policy().name, "adaptive");
}

class Files {
 public:
  explicit Files(const std::string& script, const std::string& settings = "lua my.lua;")
      : folder_(std::filesystem::path(::testing::TempDir()) /
                ("leastwise_lua_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "my.lua") << script;
    std::ofstream(folder_ / "a.conf") << "listen 127.0.0.1:1;\nbackend app {\n" << settings << "}";
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  AgentConfig read() const { return read_config_file((folder_ / "a.conf").string()); }
  std::string refused() const {
    try {
      read();
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  }

 private:
  std::filesystem::path folder_;
};

TEST(ConfigFile, AScriptIsReadFromBesideTheFileAndChooses) {
  const AgentConfig config = Files("function score() return 1 end").read();
  EXPECT_EQ(config.backends[0].settings.chosen_policy().name, "lua");
  const AgentConfig key = Files("function key() return 1 end", "lua my.lua; policy hash;").read();
  EXPECT_EQ(key.backends[0].settings.chosen_policy().name, "hash");
}

TEST(ConfigFile, AScriptThatCanNotBeIsRefusedWithBothLines) {
  const auto contains = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  const std::string broken = Files("function score()\nreturn +\nend").refused();
  EXPECT_TRUE(contains(broken, "a.conf:3: ")) << broken;
  EXPECT_TRUE(contains(broken, "my.lua:2: unexpected symbol")) << broken;
  const std::string two =
      Files("function score() return 1 end", "policy hash;\nlua my.lua;").refused();
  EXPECT_TRUE(contains(two, "a.conf:4: ")) << two;
  EXPECT_TRUE(contains(two, "policy hash does")) << two;
  const std::string none = Files("", "lua other.lua;").refused();
  EXPECT_TRUE(contains(none, "other.lua: can not be read")) << none;
  const std::string weights = Files("", "mode weights; lua my.lua;").refused();
  EXPECT_TRUE(contains(weights, "no effect in mode weights")) << weights;
}

TEST(ConfigFile, WhatIsAbsentStaysOff) {
  const AgentConfig config = parse_config("f", "listen 127.0.0.1:9876; backend app {}");
  EXPECT_FALSE(config.feedback || config.haproxy_socket || config.status);
  EXPECT_TRUE(config.state.empty());
}

TEST(ConfigFile, SteeringWeightsNeedsNoPort) {
  const AgentConfig config =
      parse_config("f", "haproxy_socket /s; backend a { mode weights; } backend b {mode weights;}");
  EXPECT_EQ(config.listen.length, 0U);
  EXPECT_EQ(config.backends[1].mode, Mode::kWeights);
  const AgentConfig both = parse_config(
      "f",
      "listen 127.0.0.1:1; haproxy_socket /s; backend a {mode weights;} backend b {mode pick;}");
  EXPECT_EQ(both.backends[0].mode, Mode::kWeights);
  EXPECT_EQ(both.backends[1].mode, Mode::kPick);
}

TEST(ConfigFile, AnEscapedCharacterLosesItsMeaning) {
  EXPECT_EQ(parse_config("f", "listen unix:/a\\;b; backend app {}").listen.path, "/a;b");
  EXPECT_EQ(parse_config("f", "listen \"unix:/a\\\"b\"; backend app {}").listen.path, "/a\"b");
}

TEST(ConfigFile, ADirectiveMayTakeSeveralValuesAlsoInSeveralLines) {
  const AgentConfig config = parse_config(
      "f", "listen 127.0.0.1:1; backend app { failure http_429\n  http_404 grpc_7; decay 9s; }");
  const Failures& failure = config.backends[0].settings.failure;
  EXPECT_TRUE(failure.contains(429, kNoGrpcStatus) && failure.contains(404, kNoGrpcStatus));
  EXPECT_TRUE(failure.contains(200, 7));
  EXPECT_FALSE(failure.contains(403, kNoGrpcStatus) || failure.contains(200, 5));
  EXPECT_EQ(config.backends[0].settings.decay, std::chrono::seconds(9));
}

struct BadFile {
  std::string text;
  std::string message;
};

const std::string kAddresses =
    "expected unix:/PATH or IP:PORT, such as 127.0.0.1:9876 or [::1]:9876";
const std::string kIpOnly = "expected IP:PORT, such as 127.0.0.1:9876 or [::1]:9876";
const std::string kBackendWords =
    "mode, policy, decay, demand, sample, outlier, outlier_time, outlier_max, slow_start, report, "
    "failure, locality, locality_price, switchback, affinity, prompt_memory, lua";
const std::string kFailures =
    "one or more of http_200 to http_599 and grpc_1 to grpc_16, as in http_429 http_404";
const std::string kTopWords =
    "listen, feedback, haproxy_socket, status, agent_check, control_token_file, state, share, "
    "share_count, share_tls_ca_cert_file, share_tls_cert_file, share_tls_key_file, log_level, "
    "backend";

const std::vector<BadFile>& bad_files() {
  static const std::vector<BadFile> files = {
      {"", "f:1: \"listen\": required, such as: listen unix:/run/leastwise/spoa.sock;"},
      {"\n\nbackend app {}\n",
       "f:4: \"listen\": required, such as: listen unix:/run/leastwise/spoa.sock;"},
      {"listen 127.0.0.1:1;",
       "f:1: \"backend\": required, such as: backend app { policy adaptive; }"},
      {"lisen 127.0.0.1:1;", "f:1: \"lisen\": unknown directive; did you mean \"listen\"?"},
      {"haproxy_socket /h;\nshare redis://h;\nbackend a { mode weights; }",
       "f:2: \"share\": has no effect: nothing is told in mode weights; give one backend \"mode "
       "pick;\" or take it out"},
      {"listen 127.0.0.1:1;\nshare_count on;\nbackend a {}",
       "f:2: \"share_count\": has no effect without share; give it or take this out"},
      {"listen 127.0.0.1:1;\nshare redis://h;\nshare_tls_ca_cert_file /ca.pem;\nbackend a {}",
       "f:3: \"share_tls_ca_cert_file\": has no effect without TLS: give share rediss://…, or take "
       "this out"},
      {"listen 127.0.0.1:1;\nshare_tls_key_file /key.pem;\nbackend a {}",
       "f:2: \"share_tls_key_file\": has no effect without TLS: give share rediss://…, or take "
       "this out"},
      {"listen 127.0.0.1:1;\nshare rediss://h;\nshare_tls_cert_file /cert.pem;\nbackend a {}",
       "f:3: \"share_tls_cert_file\": required together: share_tls_cert_file and "
       "share_tls_key_file"},
      {"listen 127.0.0.1:1;\nshare_tls_ca_cert_file ca.pem;\nbackend a {}",
       "f:2: \"ca.pem\": expected the absolute path of a file of PEM"},
      {"listen 127.0.0.1:1; haproxy_socket /h;\nshare redis://h;\nshare_count on;\nbackend a { "
       "policy least_conn; }\n"
       "backend b { mode weights; }",
       "f:3: \"share_count\": has no effect: no backend of "
       "mode pick is adaptive; take it out, or change a policy"},
      {"listen 127.0.0.1:1;\nagent_check 127.0.0.1:2;\nbackend a {}",
       "f:3: \"agent_check\": has no effect: it tells weights, and no backend is of mode weights; "
       "give one \"mode weights;\" or take it out"},
      {"backend a { mode weights; }",
       "f:1: \"haproxy_socket\": required by mode weights, such as: haproxy_socket "
       "/run/haproxy/admin.sock;"},
      {"haproxy_socket /s; backend a { mode weights; } backend b {}",
       "f:1: \"listen\": required, such as: listen unix:/run/leastwise/spoa.sock;"},
      {"backend a { mode both; }", "f:1: \"both\": expected pick or weights"},
      {"backend a { mode pick; mode pick; }",
       "f:1: \"mode\": duplicate; it is already set in line 1"},
      {"\nworkers 4;", "f:2: \"workers\": unknown directive; accepted here: " + kTopWords},
      {"mode weights;", "f:1: \"mode\": unknown directive; accepted here: " + kTopWords},
      {"listen;", "f:1: \"listen\": expected one value and \";\" after it"},
      {"listen 127.0.0.1:1", "f:1: \"127.0.0.1:1\": expected \";\" after it"},
      {"listen 127.0.0.1:1\nstatus 127.0.0.1:2;", "f:1: \"127.0.0.1:1\": expected \";\" after it"},
      {"listen 127.0.0.1:1 2;", "f:1: \"2\": expected \";\": \"listen\" takes one value"},
      {"listen 127.0.0.1:1;\nlisten 127.0.0.1:2;",
       "f:2: \"listen\": duplicate; it is already set in line 1"},
      {"listen localhost:1;", "f:1: \"localhost:1\": " + kAddresses},
      {"listen 127.0.0.1:0;", "f:1: \"127.0.0.1:0\": " + kAddresses},
      {"listen 127.0.0.1:65536;", "f:1: \"127.0.0.1:65536\": " + kAddresses},
      {"listen unix:run/spoa.sock;", "f:1: \"unix:run/spoa.sock\": " + kAddresses},
      {"feedback unix:/run/f.sock;", "f:1: \"unix:/run/f.sock\": " + kIpOnly},
      {"status 9878;", "f:1: \"9878\": " + kIpOnly},
      {"haproxy_socket admin.sock;",
       "f:1: \"admin.sock\": expected the absolute path of a stats socket, or IP:PORT"},
      {"control_token_file token;", "f:1: \"token\": expected an absolute path"},
      {"listen 127.0.0.1:1; control_token_file /t; backend a {}",
       "f:1: \"status\": required by control_token_file, such as: status 127.0.0.1:9878;"},
      {"state spoa.state;", "f:1: \"spoa.state\": expected an absolute path"},
      {"log_level loud;", "f:1: \"loud\": expected debug, info, warning or error"},
      {"}", "f:1: \"}\": there is no \"{\" before it"},
      {"listen {}", "f:1: \"listen\": expected one value and \";\" after it"},
      {"; ", "f:1: \";\": expected the name of a directive"},
      {"listen \"unix:/a;\nbackend app {}", "f:1: \"unix:/a;\": the quote \" is never closed"},
      {"listen 127.0.0.1:1\x01;", "f:1: \"127.0.0.1:1\": control character"},
      {"backend {}", "f:1: \"backend\": expected a name and \"{\" after it"},
      {"backend app;", "f:1: \"app\": expected \"{\" after it"},
      {"backend a/b {}",
       "f:1: \"a/b\": expected the name of a backend: up to 100 letters, digits, \"-\", \"_\", "
       "\".\", \":\""},
      {"backend app {}\nbackend app {}", "f:2: \"app\": duplicate; it is already set in line 1"},
      {"backend app {\n policy adaptive;\n", "f:1: \"app\": its \"{\" is never closed"},
      {"backend app {\n polcy adaptive; }",
       "f:2: \"polcy\": unknown directive; did you mean \"policy\"?"},
      {"backend app { route /x; }",
       "f:1: \"route\": unknown directive; accepted here: " + kBackendWords},
      {"backend app { listen 127.0.0.1:1; }",
       "f:1: \"listen\": unknown directive; accepted here: " + kBackendWords},
      {"backend app { decay 8x; }",
       "f:1: \"8x\": expected a time from 100ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s"},
      {"backend app {\n affinity 5;\n policy least_conn; }",
       "f:2: \"affinity\": has no effect: of the policies only adaptive looks at it; take it out, "
       "or change the policy"},
      {"backend app { policy hash; affinity 5; }",
       "f:1: \"affinity\": has no effect: policy hash goes by the key without it; take it out, or "
       "change the policy"},
      {"backend app {\n policy inference;\n prompt_memory 2g; }",
       "f:3: \"2g\": expected a size from 1m to 1g, as 65536k, 64m or 1g"},
      {"backend app { decay 2h; }",
       "f:1: \"2h\": expected a time from 100ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s"},
      {"backend app { decay 8s; decay 9s; }",
       "f:1: \"decay\": duplicate; it is already set in line 1"},
      {"backend app { demand cpu; }", "f:1: \"cpu\": expected static, speed or report"},
      {"backend app { report yes; }",
       "f:1: \"yes\": expected off, on, cpu_utilization, mem_utilization, "
       "application_utilization, utilization.NAME or named_metrics.NAME; in nginx also scrape and "
       "a URI"},
      {"backend app { report scrape /metrics; }",
       "f:1: \"scrape\": load is scraped by nginx only; expected off, on or the name of a figure "
       "that servers report with their answers"},
      {"backend app { failure; }",
       "f:1: \"failure\": expected one value or more and \";\" after them"},
      {"backend app { failure http_404 429; }", "f:1: \"429\": expected " + kFailures},
      {"backend app { failure http_404\npolicy adaptive; }",
       "f:1: \"http_404\": expected \";\" after it"},
      {"backend app { failure http_404 }", "f:1: \"http_404\": expected \";\" after it"},
      {"backend app { failure http_404; failure http_429; }",
       "f:1: \"failure\": duplicate; it is already set in line 1"},
      {"backend app { sample half; }", "f:1: \"half\": expected auto, first_byte or full"},
      {"backend app { locality 10.0.0.1/8; }",
       "f:1: \"10.0.0.1/8\": expected 1 to 16 networks with commas between, as in "
       "10.1.0.0/16,fd00::/8"},
      {"backend app { locality_price -1; }", "f:1: \"-1\": expected a whole number from 0 to 1000"},
      {"backend app { policy adaptive }", "f:1: \"adaptive\": expected \";\" after it"},
  };
  return files;
}

class BadFiles : public testing::TestWithParam<BadFile> {};

TEST_P(BadFiles, AreRefusedWithFileLineValueAndWhatIsAccepted) {
  try {
    parse_config("f", GetParam().text);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.what(), GetParam().message);
  }
}

void PrintTo(const BadFile& file, std::ostream* out) { *out << file.text.size(); }
INSTANTIATE_TEST_SUITE_P(Table, BadFiles, testing::ValuesIn(bad_files()));

TEST(ConfigFile, APolicyThatIsNoneIsRefusedWithTheListOfThem) {
  try {
    parse_config("f", "backend app { policy fastest; }");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("f:1: \"fastest\": expected adaptive, ")) << message;
    for (const Policy* policy : policies()) {
      EXPECT_NE(message.find(policy->name), message.npos) << policy->name;
    }
  }
}

TEST(ConfigFile, AFileThatCanNotBeReadIsNamed) {
  EXPECT_THROW(read_config_file("/"), std::runtime_error);
  try {
    read_config_file("/no/such/file");
    FAIL() << "read";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "/no/such/file: No such file or directory");
  }
}

}  // namespace
}  // namespace leastwise::agent
