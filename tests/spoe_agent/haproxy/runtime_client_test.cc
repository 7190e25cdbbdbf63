// With a socket that answers as HAProxy 2.6.12, 3.0.11 and 3.2.26 were heard to.
#include "haproxy/runtime_client.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "serve/clock.h"
#include "serve/sockets.h"

namespace leastwise::agent {
namespace {

namespace fs = std::filesystem;
using Progress = RuntimeClient::Progress;

constexpr const char* kInfo =
    "Name: HAProxy\nVersion: 3.2.26-1\nNbthread: 2\nPid: 13\nStopping: 0\n";
constexpr const char* kStates =
    "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight "
    "srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health "
    "srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord "
    "srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n"
    "2 app 1 s1 127.0.0.1 2 0 1 1 1 1 0 2 0 0 0 0 - 1 - 0 0 - - 0\n"
    "2 app 2 s2 127.0.0.1 2 0 1 1 1 1 0 2 0 0 0 0 - 2 - 0 0 - - 0\n";
constexpr const char* kFigures =
    "# pxname,svname,qcur,scur,slim,stot,econ,eresp,bck,throttle,hrsp_5xx,ctime,rtime,mode,\n"
    "app,s1,0,3,,9,0,0,0,,0,1,2,http,\napp,s2,0,0,,9,0,0,0,,0,1,2,http,\n";

// HAProxy's ways to say that a line of commands is answered.
std::string per_command(const std::vector<std::string>& answers) {
  std::string text;
  for (const std::string& answer : answers) text += answer + "\n> ";
  return text;
}
std::string per_line(const std::vector<std::string>& answers) {
  std::string text;
  for (const std::string& answer : answers) text += answer + '\n';
  return text + "> ";
}

class RuntimeClientTest : public testing::TestWithParam<decltype(&per_command)> {
 protected:
  RuntimeClientTest() {
    std::string name = fs::temp_directory_path() / "leastwise-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    EXPECT_TRUE(parse_address("unix:" + (folder_ / "admin.sock").string(), true, address_));
    listener_ = listen_on(address_);
  }
  ~RuntimeClientTest() override { fs::remove_all(folder_); }

  std::string heard() {
    std::array<char, 4096> buffer;
    const ssize_t n = ::recv(haproxy_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return {buffer.data(), n > 0 ? static_cast<std::size_t>(n) : 0};
  }

  // A byte at a time, so that every prompt is cut everywhere; the client says no more until the
  // end.
  Progress answer(const std::vector<std::string>& answers) {
    const std::string text = says_(answers);
    Progress progress = Progress::kGoesOn;
    for (const char& c : text) {
      EXPECT_EQ(progress, Progress::kGoesOn);
      EXPECT_EQ(heard(), "");
      EXPECT_EQ(::send(haproxy_.get(), &c, 1, 0), 1);
      progress = client_.on_ready(now_);
    }
    return progress;
  }

  void connect() {
    client_.ask(address_, {"app"});
    EXPECT_FALSE(client_.poll(now_)) << client_.error();
    haproxy_ = Fd(::accept(listener_.get(), nullptr, nullptr));
    EXPECT_EQ(heard(), "prompt;show version\n");
    EXPECT_EQ(answer({"", "3.2.26-1\n"}), Progress::kGoesOn);
  }

  void answer_round() {
    EXPECT_EQ(heard(), "show info;show servers state app\n");
    EXPECT_EQ(answer({kInfo, kStates}), Progress::kGoesOn) << client_.error();
    EXPECT_EQ(heard(), "show stat +2 4 -1\n");
    EXPECT_EQ(answer({kFigures}), Progress::kAnswered) << client_.error();
  }

  fs::path folder_;
  Address address_;
  Fd listener_, haproxy_;
  RuntimeClient client_;
  TimePoint now_ = now();
  std::string (*says_)(const std::vector<std::string>&) = GetParam();
};

TEST_P(RuntimeClientTest, ReadsARoundAndTheNext) {
  connect();
  for (int round = 0; round < 2; ++round) {
    answer_round();
    const std::vector<BackendInfo> backends = client_.take();
    ASSERT_EQ(backends.size(), 1U);
    ASSERT_EQ(backends[0].servers.size(), 2U);
    EXPECT_EQ(backends[0].servers[0].figures.current, 3U);
    EXPECT_EQ(client_.process().pid, 13U);
    now_ += RuntimeClient::kPeriod;
    EXPECT_FALSE(client_.poll(now_));
  }
}

TEST_P(RuntimeClientTest, KnowsWhichCommandWasRefused) {
  connect();
  answer_round();
  client_.tell({"set server app/s1 weight 10", "set server app/s2 weight 100000",
                "set server app/sx weight 3"});
  EXPECT_FALSE(client_.poll(now_));
  EXPECT_EQ(heard(),
            "set server app/s1 weight 10;set server app/s2 weight 100000;"
            "set server app/sx weight 3\n");
  EXPECT_EQ(answer({"", "Absolute weight can only be between 0 and 256 inclusive.\n",
                    "No such server.\n"}),
            Progress::kTold);
  ASSERT_EQ(client_.refused().size(), 2U);
  EXPECT_EQ(client_.refused()[0].command, "set server app/s2 weight 100000");
  EXPECT_EQ(client_.refused()[1].reason, "No such server.");
}

// Not every HAProxy behind a socket is of the version of the one before.
TEST_P(RuntimeClientTest, LearnsAnewWhoAnswers) {
  connect();
  haproxy_.close();
  EXPECT_EQ(client_.on_ready(now_), Progress::kFailed);
  now_ += RuntimeClient::kLongestPause;
  says_ = says_ == &per_line ? &per_command : &per_line;
  connect();
  answer_round();
}

INSTANTIATE_TEST_SUITE_P(Prompts, RuntimeClientTest, testing::Values(&per_command, &per_line),
                         [](const auto& way) {
                           return way.param == &per_command ? "PerCommand" : "PerLine";
                         });

}  // namespace
}  // namespace leastwise::agent
