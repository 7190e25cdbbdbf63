#include "leastwise/status_page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class StatusPageTest : public PoolFixture {
 protected:
  template <typename Render>
  std::string render(Render f, std::string_view upstream = "api") {
    const std::array<NamedPool, 1> named = {{{upstream, &config_, pool_}}};
    Text size({});
    f("nginx", named, now_, size);
    std::string page(size.size(), '\0');
    Text text(page);
    f("nginx", named, now_, text);
    EXPECT_TRUE(text.fits());
    return page;
  }
};

TEST_F(StatusPageTest, JsonHasTheShapeOfNginxPlusAndOurOwnKeysApart) {
  make({3, -1});
  picker_.finish(
      config_, pick(),
      {.status = 200, .first_byte = 4ms, .occupied = 6ms, .bytes_sent = 1, .bytes_received = 2},
      now_);
  pick();
  const auto page = nlohmann::json::parse(render(render_json));
  EXPECT_EQ(page["proxy"], "nginx");
  const auto& upstream = page["upstreams"]["api"];
  EXPECT_EQ(upstream["policy"], "adaptive");
  ASSERT_EQ(upstream["peers"].size(), 2U);
  for (const auto& peer : upstream["peers"]) {
    if (peer["server"] != "10.0.0.0:80") continue;
    EXPECT_EQ(peer["name"], "http/test/10.0.0.0:80");
    EXPECT_EQ(peer["weight"], 3);
    EXPECT_EQ(peer["state"], "up");
    EXPECT_EQ(peer["active"], 1);
    EXPECT_EQ(peer["requests"], 1);
    EXPECT_EQ(peer["responses"]["2xx"], 1);
    EXPECT_EQ(peer["responses"]["total"], 1);
    EXPECT_DOUBLE_EQ(peer["header_time"], 4);
    EXPECT_DOUBLE_EQ(peer["response_time"], 6);
    EXPECT_EQ(peer["leastwise"]["picks"], 2);
    EXPECT_EQ(peer["leastwise"]["results"]["ok"], 1);
  }
}

TEST_F(StatusPageTest, StatesAreNamedAsNginxPlusNamesThem) {
  make({1, 1, 1, 1});
  settle(0, {.flags = kDown});
  settle(1, {.flags = kDraining});
  settle(2, {.max_fails = 1});
  finish(picker_.adopt(config_, {}, 2, now_), Result::kReset, 1ms);
  const auto page = nlohmann::json::parse(render(render_json));
  std::map<std::string, std::string> states;
  for (const auto& peer : page["upstreams"]["api"]["peers"]) states[peer["server"]] = peer["state"];
  EXPECT_EQ(states["10.0.0.0:80"], "down");
  EXPECT_EQ(states["10.0.0.1:80"], "draining");
  EXPECT_EQ(states["10.0.0.2:80"], "unavail");
  EXPECT_EQ(states["10.0.0.3:80"], "up");
}

TEST_F(StatusPageTest, NamesCanNotBreakOut) {
  make({1});
  const std::string hostile = "a\"},{\n</script><b>\\";
  pool_.add(hostile);
  const auto page = nlohmann::json::parse(render(render_json, hostile));
  EXPECT_TRUE(page["upstreams"].contains(hostile));
  EXPECT_EQ(render(render_json, hostile).find("</script"), std::string::npos);
  const std::string metrics = render(render_prometheus, hostile);
  EXPECT_NE(metrics.find("upstream=\"a\\\"},{\\n</script><b>\\\\\""), std::string::npos);
}

TEST_F(StatusPageTest, PrometheusHistogramsAddUp) {
  make({1});
  for (int i = 0; i < 5; ++i) finish(pick(), Result::kOk, 10ms);
  const std::string page = render(render_prometheus);
  const std::string label = "{proxy=\"nginx\",upstream=\"api\",peer=\"http/test/10.0.0.0:80\"";
  EXPECT_NE(page.find("leastwise_peer_response_time_seconds_bucket" + label + ",le=\"+Inf\"} 5\n"),
            std::string::npos);
  EXPECT_NE(page.find("leastwise_peer_response_time_seconds_sum" + label + "} 0.05\n"),
            std::string::npos);
  EXPECT_NE(page.find("leastwise_peer_response_time_seconds_count" + label + "} 5\n"),
            std::string::npos);
  EXPECT_NE(page.find("leastwise_peer_requests_total" + label + ",result=\"ok\"} 5\n"),
            std::string::npos);
}

}  // namespace
}  // namespace leastwise
