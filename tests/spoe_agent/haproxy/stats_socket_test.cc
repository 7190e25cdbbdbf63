#include "haproxy/stats_socket.h"

#include <gtest/gtest.h>

namespace leastwise::agent {
namespace {

TEST(StatsSocket, HasAnAddressAsTheAgentTakesIt) {
  EXPECT_EQ(stats_socket_address("/run/haproxy/admin.sock"), "/run/haproxy/admin.sock");
  EXPECT_EQ(stats_socket_address("unix@/s"), "/s");
  EXPECT_EQ(stats_socket_address("unix:/s"), "/s");
  EXPECT_EQ(stats_socket_address("*:9999"), "127.0.0.1:9999");
  EXPECT_EQ(stats_socket_address("ipv4@127.0.0.1:9999"), "127.0.0.1:9999");
  EXPECT_EQ(stats_socket_address("ipv6@::1:9999"), "[::1]:9999");
  for (const char* strange : {"abns@haproxy", "fd@3", "${SOCKET}", "localhost", ""}) {
    EXPECT_EQ(stats_socket_address(strange), "") << strange;
  }
}

}  // namespace
}  // namespace leastwise::agent
