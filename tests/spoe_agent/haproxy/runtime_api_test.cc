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
    "# pxname,svname,qcur,qmax,scur,smax,slim,status,weight,act,bck,last_chk,mode,\n";

std::string state(std::string_view backend, std::string_view server, std::string_view address,
                  int op, int admin, int weight, int port) {
  return "3 " + std::string(backend) + " 1 " + std::string(server) + ' ' + std::string(address) +
         ' ' + std::to_string(op) + ' ' + std::to_string(admin) + ' ' + std::to_string(weight) +
         " 1 0 8 2 0 6 0 0 0 - " + std::to_string(port) + " - 0 0 - - 0\n";
}

std::string stat(std::string_view backend, std::string_view server, std::string_view limit,
                 bool backup, std::string_view mode = "http") {
  return std::string(backend) + ',' + std::string(server) + ",0,0,0,0," + std::string(limit) +
         ",UP,1," + (backup ? "0,1" : "1,0") + ",\"Layer4, refused\"," + std::string(mode) + ",\n";
}

std::string reply(const std::string& states, const std::string& stats) {
  return "1\n" + std::string(kStateHead) + states + '\n' + std::string(kStatHead) + stats + "\n";
}

std::uint32_t flags(int op, int admin, int weight) {
  std::vector<BackendInfo> out;
  EXPECT_TRUE(parse_runtime_reply(
      reply(state("app", "s1", "127.0.0.1", op, admin, weight, 80), stat("app", "s1", "", false)),
      out));
  return out.at(0).servers.at(0).settings.flags;
}

TEST(RuntimeApi, ReadsBackendsServersLimitsAndModes) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(
      parse_runtime_reply(reply(state("app", "s1", "127.0.0.1", 2, 0, 5, 8001) +
                                    state("app", "s2", "::1", 2, 0, 256, 8002) +
                                    state("db", "m", "/run/m.sock", 2, 0, 1, 0),
                                stat("app", "s1", "30", false) + stat("app", "s2", "", false) +
                                    stat("db", "m", "", false, "tcp")),
                          out));
  ASSERT_EQ(out.size(), 2U);
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

TEST(RuntimeApi, BackupsComeLast) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(parse_runtime_reply(
      reply(state("app", "b", "127.0.0.1", 2, 0, 1, 1) + state("app", "s", "127.0.0.1", 2, 0, 1, 2),
            stat("app", "b", "", true) + stat("app", "s", "", false)),
      out));
  EXPECT_EQ(out[0].servers[0].name, "s");
  EXPECT_EQ(out[0].servers[1].name, "b");
  EXPECT_TRUE(out[0].servers[1].backup);
}

TEST(RuntimeApi, ABackendWithoutServersIsNone) {
  std::vector<BackendInfo> out;
  EXPECT_TRUE(parse_runtime_reply(reply("", ""), out));
  EXPECT_TRUE(out.empty());
}

TEST(RuntimeApi, ColumnsAreFoundByName) {
  std::vector<BackendInfo> out;
  ASSERT_TRUE(
      parse_runtime_reply("1\n# srv_port srv_uweight srv_admin_state srv_op_state "
                          "srv_addr srv_name new be_name\n"
                          "80 9 0 2 10.0.0.1 s1 x app\n\n"
                          "# mode,bck,slim,svname,pxname\nhttp,0,4,s1,app\n\n",
                          out));
  EXPECT_EQ(out[0].servers[0].settings.weight, 9U);
  EXPECT_EQ(out[0].servers[0].settings.max_conns, 4U);
}

TEST(RuntimeApi, EveryTruncationIsRefusedAndChangesNothing) {
  const std::string whole =
      reply(state("app", "s1", "127.0.0.1", 2, 0, 1, 80), stat("app", "s1", "7", false));
  for (std::size_t n = 0; n + 1 < whole.size(); ++n) {
    std::vector<BackendInfo> out(1);
    EXPECT_FALSE(parse_runtime_reply(whole.substr(0, n), out)) << n;
    EXPECT_EQ(out.size(), 1U);
  }
}

TEST(RuntimeApi, GarbageIsRefused) {
  const std::string good_state = state("app", "s1", "127.0.0.1", 2, 0, 1, 80);
  const std::string good_stat = stat("app", "s1", "", false);
  const std::string garbage[] = {
      "\n",
      "2\n" + std::string(kStateHead),
      "Permission denied\n\n",
      "HTTP/1.0 400 Bad request\r\n\r\n",
      std::string(1000, '\xff'),
      reply("3 app\n", good_stat),
      reply(state("app", "s1", "127.0.0.1", 9, 0, 1, 80), good_stat),
      reply(state("app", "s1", "127.0.0.1", 2, 256, 1, 80), good_stat),
      reply(state("app", "s1", "127.0.0.1", 2, 0, 257, 80), good_stat),
      reply(state("app", "s1", "127.0.0.1", 2, 0, -1, 80), good_stat),
      reply(state("app", "s1", "127.0.0.1", 2, 0, 1, 65536), good_stat),
      reply(good_state + good_state, good_stat),
      reply(good_state, "app,s1\n"),
      "1\n# be_name srv_name\napp s1\n\n" + std::string(kStatHead) + "\n",
  };
  for (const std::string& text : garbage) {
    std::vector<BackendInfo> out;
    EXPECT_FALSE(parse_runtime_reply(text, out)) << text;
  }
}

}  // namespace
}  // namespace leastwise::agent
