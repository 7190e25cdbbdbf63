#include "haproxy/runtime_api.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::agent {
namespace {

constexpr std::string_view kStateHead =
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health "
    "srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord "
    "srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";
// HAProxy 2.6.12, cut behind the columns that matter.
constexpr std::string_view kStatHead =
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,econ,eresp,status,weight,act,bck,throttle,"
    "hrsp_5xx,last_chk,qtime,ctime,rtime,ttime,mode,\n";

std::string state(std::string_view backend, std::string_view server, std::string_view address,
                  int op, int admin, int weight, int port) {
  return "3 " + std::string(backend) + " 1 " + std::string(server) + ' ' + std::string(address) +
         ' ' + std::to_string(op) + ' ' + std::to_string(admin) + ' ' + std::to_string(weight) +
         " 1 0 8 2 0 6 0 0 0 - " + std::to_string(port) + " - 0 0 - - 0\n";
}

std::string stat(std::string_view backend, std::string_view server, std::string_view limit,
                 bool backup, std::string_view mode = "http", std::string_view throttle = "") {
  return std::string(backend) + ',' + std::string(server) + ",5,6,3,4," + std::string(limit) +
         ",1000,7,2,UP,1," + (backup ? "0,1," : "1,0,") + std::string(throttle) +
         ",30,\"Layer4, refused\",1,2,11,13," + std::string(mode) + ",\n";
}

std::string states(const std::string& rows) {
  return "1\n" + std::string(kStateHead) + rows + '\n';
}

std::string stats(const std::string& rows) { return std::string(kStatHead) + rows + '\n'; }

// Both answers, about `asked` backends.
bool parse(const std::string& state_answer, const std::string& stat_answer,
           std::vector<BackendInfo>& out, std::size_t asked = 1) {
  return parse_states(state_answer, asked, out) && parse_figures(stat_answer, out);
}

std::uint32_t flags(int op, int admin, int weight) {
  std::vector<BackendInfo> out;
  EXPECT_TRUE(parse_states(states(state("app", "s1", "127.0.0.1", op, admin, weight, 80)), 1, out));
  return out.at(0).servers.at(0).settings.flags;
}

TEST(RuntimeApi, ReadsBackendsServersLimitsAndModes) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(parse(states(state("app", "s1", "127.0.0.1", 2, 0, 5, 8001) +
                           state("app", "s2", "::1", 2, 0, 256, 8002)) +
                        states(state("db", "m", "/run/m.sock", 2, 0, 1, 0)),
                    stats(stat("app", "s1", "30", false) + stat("app", "s2", "", false)) +
                        stats(stat("db", "m", "", false, "tcp")),
                    out, 2));
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].number, 3U);
  EXPECT_EQ(out[0].name, "app");
  EXPECT_TRUE(out[0].is_http);
  EXPECT_EQ(out[0].servers[0].address, "127.0.0.1:8001");
  EXPECT_EQ(out[0].servers[0].settings.weight, 5U);
  EXPECT_EQ(out[0].servers[0].settings.max_conns, 30U);
  EXPECT_EQ(out[0].servers[1].address, "[::1]:8002");
  EXPECT_EQ(out[0].servers[1].settings.max_conns, 0U);
  EXPECT_FALSE(out[1].is_http);
  EXPECT_EQ(out[1].servers[0].address, "/run/m.sock");
}

TEST(RuntimeApi, StatesBecomeFlags) {
  EXPECT_EQ(flags(2, 0, 1), 0U);
  EXPECT_EQ(flags(1, 0, 1), 0U) << "starting: its weight is on the way up";
  EXPECT_EQ(flags(0, 0, 1), kDown);
  EXPECT_EQ(flags(3, 0, 1), kDraining);
  EXPECT_EQ(flags(2, 0, 0), kDraining);
  for (const int maintenance : {0x01, 0x02, 0x20, 0x01 | 0x04}) {
    EXPECT_EQ(flags(2, maintenance, 1), kDown) << maintenance;
  }
  for (const int history : {0x04, 0x40}) EXPECT_EQ(flags(2, history, 1), 0U) << history;
  for (const int drain : {0x08, 0x10}) EXPECT_EQ(flags(2, drain, 1), kDraining) << drain;
  EXPECT_EQ(flags(0, 0x05, 1), kDown) << "an unused slot of a server-template";
}

TEST(RuntimeApi, ReadsWhatServersDid) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(parse(states(state("app", "s", "127.0.0.1", 2, 0, 5, 1)) +
                        states(state("db", "s", "127.0.0.1", 2, 0, 0, 1)),
                    stats(stat("app", "s", "", false)) + stats(stat("db", "s", "", false, "tcp")),
                    out, 2));
  const ServerFigures& figures = out[0].servers[0].figures;
  EXPECT_EQ(figures.sessions, 1000U);
  EXPECT_EQ(figures.refusals, 7U);
  EXPECT_EQ(figures.failures, 7U + 2U + 30U);
  EXPECT_EQ(figures.current, 3U);
  EXPECT_EQ(figures.queued, 5U);
  EXPECT_EQ(figures.connect, 2U);
  EXPECT_EQ(figures.answer, 11U);
  EXPECT_EQ(out[1].servers[0].figures.answer, 2U) << "of TCP the time to connect";
  EXPECT_EQ(out[0].servers[0].weight, 5U);
  EXPECT_EQ(out[1].servers[0].weight, 0U) << "as it is, while settings have 1";
  EXPECT_EQ(out[1].servers[0].initial_weight, 1U);
}

TEST(RuntimeApi, WhoWarmsUpWeighsLessAlsoWithAWeightOfOne) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(
      parse(states(state("app", "warm", "127.0.0.1", 2, 0, 1, 1) +
                   state("app", "new", "127.0.0.1", 1, 0, 1, 2) +
                   state("app", "newest", "127.0.0.1", 1, 0, 1, 3)),
            stats(stat("app", "warm", "", false) + stat("app", "new", "", false, "http", "50") +
                  stat("app", "newest", "", false, "http", "1")),
            out));
  EXPECT_EQ(out[0].servers[0].settings.weight, 16U);
  EXPECT_EQ(out[0].servers[1].settings.weight, 8U);
  EXPECT_EQ(out[0].servers[2].settings.weight, 1U) << "never none";
}

TEST(RuntimeApi, ReadsWhoAnswers) {
  const std::string states_of_none = states("");
  const std::string whole =
      "Name: HAProxy\nVersion: 2.6.12-1\nPid: 4711\nnode: web:1\nStopping: 1\n\n" + states_of_none;
  std::string_view text = whole;
  ProcessInfo process;
  ASSERT_TRUE(parse_process(text, process));
  EXPECT_EQ(text, states_of_none);
  EXPECT_EQ(process.pid, 4711U);
  EXPECT_EQ(process.version, "2.6.12-1");
  EXPECT_TRUE(process.is_stopping);
  for (const std::string_view bad :
       {"", "1\n", "Name: HAProxy\n\n", "Name: HAProxy\nPid: -1\n\n", "Unknown command\n\n"}) {
    text = bad;
    EXPECT_FALSE(parse_process(text, process)) << bad;
    EXPECT_EQ(text, bad);
  }
  EXPECT_EQ(process.pid, 4711U);
}

TEST(RuntimeApi, RefusalsBelongToTheirCommands) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(refusals_in("\n\n", 2), Texts({"", ""}));
  EXPECT_EQ(refusals_in("\nNo such server.\n\n\nPermission denied\n\n", 4),
            Texts({"", "No such server.", "", "Permission denied"}));
  EXPECT_EQ(refusals_in("of two lines\nall of it\n\n\n", 2), Texts({"of two lines", ""}));
  EXPECT_EQ(refusals_in("", 1), Texts({""}));
}

TEST(RuntimeApi, BackupsComeLast) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(parse(states(state("app", "b", "127.0.0.1", 2, 0, 1, 1) +
                           state("app", "s", "127.0.0.1", 2, 0, 1, 2)),
                    stats(stat("app", "b", "", true) + stat("app", "s", "", false)), out));
  EXPECT_EQ(out[0].servers[0].name, "s");
  EXPECT_EQ(out[0].servers[1].name, "b");
  EXPECT_TRUE(out[0].servers[1].backup);
}

TEST(RuntimeApi, AsksForTheBackendsByNameAndForTheirLimitsByNumber) {
  const std::vector<std::string> names = {"app", "db"};
  EXPECT_EQ(states_request(names), "show info;show servers state app;show servers state db\n");
  const std::vector<BackendInfo> backends = {{.name = "app", .number = 3, .servers = {}},
                                             {.name = "db", .number = 12, .servers = {}}};
  EXPECT_EQ(figures_request(backends), "show stat +3 4 -1;show stat +12 4 -1\n");
}

TEST(RuntimeApi, ABackendThatIsMissingOrWithoutServersIsNone) {
  std::vector<BackendInfo> out;
  EXPECT_TRUE(parse_states(states("") + "Can't find backend.\n\n", 2, out));
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(parse_states(
      "Can't find backend.\n\n" + states(state("app", "s1", "127.0.0.1", 2, 0, 1, 80)), 2, out));
  EXPECT_EQ(out.size(), 1U);
  EXPECT_TRUE(parse_figures("No such proxy.\n\n", out)) << "gone between the two requests";
  EXPECT_EQ(out.size(), 1U);
}

TEST(RuntimeApi, LimitsOfAnotherBackendAreNotTaken) {
  std::vector<BackendInfo> out;
  // HAProxy was reloaded between the two requests, and the number is another one's.
  ASSERT_TRUE(parse(states(state("app", "s1", "127.0.0.1", 2, 0, 1, 80)),
                    stats(stat("db", "s1", "30", true, "tcp")), out));
  EXPECT_EQ(out[0].servers[0].settings.max_conns, 0U);
  EXPECT_FALSE(out[0].servers[0].backup);
  EXPECT_TRUE(out[0].is_http);
}

TEST(RuntimeApi, ColumnsAreFoundByName) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(
      parse("1\n# srv_port srv_uweight srv_admin_state srv_op_state "
            "srv_addr srv_name new be_name be_id srv_agent_state srv_iweight\n"
            "80 9 0 2 10.0.0.1 s1 x app 7 0 9\n\n",
            "# mode,bck,slim,svname,pxname,ttime,rtime,ctime,qcur,scur,econ,eresp,hrsp_5xx,stot,"
            "throttle\nhttp,0,4,s1,app,,,,,,,,,,\n\n",
            out));
  EXPECT_EQ(out[0].servers[0].settings.weight, 9U);
  EXPECT_EQ(out[0].servers[0].settings.max_conns, 4U);
}

TEST(RuntimeApi, EveryTruncationIsRefusedAndChangesNothing) {
  const std::string rows = state("app", "s1", "127.0.0.1", 2, 0, 1, 80);
  const std::string whole = "Can't find backend.\n\n" + states(rows);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    std::vector<BackendInfo> out(1);
    EXPECT_FALSE(parse_states(whole.substr(0, n), 2, out)) << n;
    EXPECT_EQ(out.size(), 1U);
  }
  std::vector<BackendInfo> known;
  ASSERT_TRUE(parse_states(whole, 2, known));
  const std::string limits = stats(stat("app", "s1", "7", false));
  for (std::size_t n = 0; n < limits.size(); ++n) {
    EXPECT_FALSE(parse_figures(limits.substr(0, n), known)) << n;
    EXPECT_EQ(known.at(0).servers.at(0).settings.max_conns, 0U);
  }
}

TEST(RuntimeApi, GarbageIsRefused) {
  const std::string good = state("app", "s1", "127.0.0.1", 2, 0, 1, 80);
  const std::string garbage[] = {
      "\n",
      "2\n" + std::string(kStateHead),
      "Permission denied\n\n",
      "Can't find backend.\nbut this\n\n",
      "HTTP/1.0 400 Bad request\r\n\r\n",
      std::string(1000, '\xff'),
      states("3 app\n"),
      states(state("app", "s1", "127.0.0.1", 9, 0, 1, 80)),
      states(state("app", "s1", "127.0.0.1", 2, 256, 1, 80)),
      states(state("app", "s1", "127.0.0.1", 2, 0, 257, 80)),
      states(state("app", "s1", "127.0.0.1", 2, 0, -1, 80)),
      states(state("app", "s1", "127.0.0.1", 2, 0, 1, 65536)),
      states(good + good),
      states(good) + states(""),
      "1\n# be_name srv_name\napp s1\n\n",
  };
  for (const std::string& text : garbage) {
    std::vector<BackendInfo> out;
    EXPECT_FALSE(parse_states(text, 1, out)) << text;
  }
  std::vector<BackendInfo> known;
  ASSERT_TRUE(parse_states(states(good), 1, known));
  for (const std::string& text : {stats("app,s1\n"), std::string("Permission denied\n\n"),
                                  stats("") + stats(""), std::string("# pxname,svname\n\n")}) {
    EXPECT_FALSE(parse_figures(text, known)) << text;
  }
}

}  // namespace
}  // namespace leastwise::agent
