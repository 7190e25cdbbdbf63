#include "haproxy/spoe_config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace leastwise::agent {
namespace {

BackendInfo app(std::size_t servers) {
  BackendInfo info{.name = "app", .servers = {}};
  for (std::size_t i = 1; i <= servers; ++i) {
    info.servers.push_back({.name = "s" + std::to_string(i), .address = {}, .settings = {}});
  }
  return info;
}

TEST(SpoeConfig, IsTheFileOfTheExample) {
  std::ifstream file(LEASTWISE_SOURCE_DIR "/examples/haproxy/leastwise.spoe.conf");
  std::stringstream example;
  example << file.rdbuf();
  EXPECT_EQ(spoe_config(app(3)), example.str());
}

TEST(SpoeConfig, AServerWithALimitHasAQueue) {
  BackendInfo info = app(2);
  info.servers[1].settings.max_conns = 30;
  const std::string text = spoe_config(info);
  EXPECT_EQ(text.find("q_s1="), text.npos);
  EXPECT_NE(text.find("c_s2=srv_conn(app/s2) q_s2=srv_queue(app/s2)"), text.npos);
}

TEST(SpoeConfig, OfTcpIsAskedWhenTheConnectionComes) {
  BackendInfo info = app(1);
  info.is_http = false;
  const std::string text = spoe_config(info);
  EXPECT_NE(text.find("event on-backend-tcp-request if"), text.npos);
  EXPECT_EQ(text.find("path"), text.npos);
}

TEST(SpoeConfig, NoLineIsLongerThanHaproxyReads) {
  const std::string text = spoe_config(app(250));
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    EXPECT_LT(end - begin, 2000U);
  }
  EXPECT_NE(text.find("c_s250=srv_conn(app/s250)"), text.npos);
}

TEST(SpoeConfig, MoreServersThanArgumentsAreRefused) {
  EXPECT_THROW(spoe_config(app(300)), std::runtime_error);
}

}  // namespace
}  // namespace leastwise::agent
