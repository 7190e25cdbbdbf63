#include "haproxy/spoe_config.h"

#include <gtest/gtest.h>

#include <array>
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

std::string file_of(const SpoeEngine& engine) { return spoe_config(std::span(&engine, 1)); }

std::string example(const std::string& name) {
  std::ifstream file(LEASTWISE_SOURCE_DIR "/examples/" + name + "/leastwise.spoe.conf");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(SpoeConfig, IsTheFileOfTheExample) {
  EXPECT_EQ(spoe_config(std::array{spoe_engine(true, false), spoe_engine(false, false)}),
            example("haproxy"));
  EXPECT_EQ(file_of(spoe_engine_of_models(28, false)), example("inference"));
}

TEST(SpoeConfig, NamesNoServerUnlessAskedTo) {
  EXPECT_EQ(file_of(spoe_engine(true, false)).find("srv_conn"), std::string::npos);
  const std::string text = file_of(spoe_engine_with_names(app(2)));
  EXPECT_NE(text.find("c_s1=srv_conn(app/s1) c_s2=srv_conn(app/s2)"), text.npos);
}

TEST(SpoeConfig, AServerWithALimitHasAQueue) {
  BackendInfo info = app(2);
  info.servers[1].settings.max_conns = 30;
  const std::string text = file_of(spoe_engine_with_names(info));
  EXPECT_EQ(text.find("q_s1="), text.npos);
  EXPECT_NE(text.find("c_s2=srv_conn(app/s2) q_s2=srv_queue(app/s2)"), text.npos);
}

TEST(SpoeConfig, OfTcpIsAskedWhenTheConnectionComes) {
  const std::string text = file_of(spoe_engine(false, false));
  EXPECT_NE(text.find("[leastwise-tcp]"), text.npos);
  EXPECT_NE(text.find("event on-backend-tcp-request if"), text.npos);
  EXPECT_EQ(text.find("path"), text.npos);
}

TEST(SpoeConfig, OfAListenIsAskedByEventsOfTheFrontend) {
  const std::string text = file_of(spoe_engine(true, true));
  EXPECT_NE(text.find("event on-frontend-http-request if"), text.npos);
  EXPECT_NE(text.find("backend=fe_name"), text.npos);
  EXPECT_EQ(text.find("be_name"), text.npos);
}

TEST(SpoeConfig, IsNotAskedWherePersistenceHasAServer) {
  SpoeEngine engine = spoe_engine(true, false);
  engine.unless = {"{ req.cook(SRV) -m found }", "{ src,table_server_id(app) gt 0 }"};
  EXPECT_NE(file_of(engine).find(
                "gt 0 } !{ req.cook(SRV) -m found } !{ src,table_server_id(app) gt 0 }\n"),
            std::string::npos);
}

TEST(SpoeConfig, NoLineIsLongerThanHaproxyReads) {
  const std::string text = file_of(spoe_engine_with_names(app(250)));
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != text.npos; begin = end + 1) {
    EXPECT_LT(end - begin, 2000U);
  }
  EXPECT_NE(text.find("c_s250=srv_conn(app/s250)"), text.npos);
}

TEST(SpoeConfig, MoreNamesThanArgumentsAreRefused) {
  EXPECT_THROW(file_of(spoe_engine_with_names(app(300))), std::runtime_error);
}

}  // namespace
}  // namespace leastwise::agent
