#include "leastwise/status_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class StatusPageTest : public PoolFixture {
 protected:
  static constexpr std::size_t kRoutes = 256;

  // A request for that path, and a tick.
  void serve(std::string_view path, Duration took) {
    Route route;
    route.fold("GET", path);
    Tried tried;
    const Request request{.route = route.hash(), .in_flight = {}, .name = route.name()};
    const Ticket ticket = picker_.pick(config_, request, tried, now_);
    now_ += took;
    finish(ticket, Result::kOk, took);
    tick();
  }

  // In parts of `room` bytes.
  std::string render(PageFormat format, std::string_view upstream = "api",
                     std::size_t room = StatusPage::kLeastRoom) {
    const std::array<NamedPool, 1> named = {{{upstream, &config_, pool_}}};
    std::vector<PeerView> peers(StatusPage::peers_of(named));
    StatusPage page(format, "nginx", named, peers, now_);
    std::string whole;
    std::string part(room, '\0');
    for (bool more = true; more;) {
      Text text(part);
      more = page.render(text);
      EXPECT_TRUE(text.fits());
      EXPECT_GT(text.size(), 0U);
      if (text.size() == 0) break;  // a part that fits nowhere
      whole += text.view();
    }
    return whole;
  }
};

TEST_F(StatusPageTest, JsonHasTheShapeOfNginxPlusAndOurOwnKeysApart) {
  make({3, -1});
  picker_.finish(
      config_, pick(),
      {.status = 200, .first_byte = 4ms, .occupied = 6ms, .bytes_sent = 1, .bytes_received = 2},
      now_);
  pick();
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
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

TEST_F(StatusPageTest, JsonTellsOfTheRoutes) {
  make({1, 1});
  for (int i = 0; i < 200; ++i) {
    serve("/api/list", 10ms);
    serve("/api/report", 100ms);
  }
  finish(pick(), Result::kOk, 10ms);
  tick();
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
  std::map<std::string, nlohmann::json> routes;
  for (const auto& route : page["upstreams"]["api"]["routes"]) routes[route["route"]] = route;
  ASSERT_EQ(routes.size(), 4U);
  EXPECT_EQ(routes["GET /api/list"]["family"], "GET /api/");
  EXPECT_TRUE(routes["GET /api/"]["family"].is_null());
  EXPECT_TRUE(routes["other"]["family"].is_null());
  EXPECT_EQ(routes["other"]["samples"], 1);
  EXPECT_EQ(routes["GET /api/"]["samples"], 400);
  // The first eight of both were the family's alone.
  EXPECT_EQ(routes["GET /api/report"]["samples"], 196);
  EXPECT_LT(routes["GET /api/report"]["spread"], 1);
  EXPECT_GT(routes["GET /api/report"]["cost_ms"],
            5 * routes["GET /api/list"]["cost_ms"].get<double>());
}

TEST_F(StatusPageTest, WhatClientsCallRoutesIsNoMarkupAndAlwaysJson) {
  make({1});
  Tried tried;
  const std::string hostile = "</script>\"\\\n\xff" + std::string(100, '"');
  picker_.pick(config_, {.route = 7, .in_flight = {}, .name = {.own = hostile, .family = {}}},
               tried, now_);
  const std::string text = render(PageFormat::kJson);
  EXPECT_EQ(text.find('<'), std::string::npos);
  const auto page = nlohmann::json::parse(text);
  const std::string shown = page["upstreams"]["api"]["routes"][0]["route"];
  EXPECT_EQ(shown.substr(0, 13), "</script>\"\\??");
}

TEST_F(StatusPageTest, AFullTableOfRoutesFitsInParts) {
  make({1});
  for (std::uint64_t hash = 1; hash <= kRoutes; ++hash) {
    Tried tried;
    const std::string name(Route::kMostText, '<');
    picker_.pick(config_, {.route = hash, .in_flight = {}, .name = {.own = name, .family = {}}},
                 tried, now_);
  }
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
  EXPECT_EQ(page["upstreams"]["api"]["routes"].size(), kRoutes);
}

TEST_F(StatusPageTest, APoolWithRoutesButWithoutPeersIsWhole) {
  make({1});
  serve("/api/list", 10ms);
  pool_.retire(members_[0].id);
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
  EXPECT_EQ(page["upstreams"]["api"]["peers"].size(), 0U);
  EXPECT_EQ(page["upstreams"]["api"]["routes"].size(), 1U);
}

TEST_F(StatusPageTest, StatesAreNamedAsNginxPlusNamesThem) {
  make({1, 1, 1, 1});
  settle(0, {.flags = kDown});
  settle(1, {.flags = kDraining});
  settle(2, {.max_fails = 1});
  finish(picker_.adopt(config_, {}, 2, now_), Result::kReset, 1ms);
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
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
  const auto page = nlohmann::json::parse(render(PageFormat::kJson, hostile));
  EXPECT_TRUE(page["upstreams"].contains(hostile));
  EXPECT_EQ(render(PageFormat::kJson, hostile).find("</script"), std::string::npos);
  const std::string metrics = render(PageFormat::kPrometheus, hostile);
  EXPECT_NE(metrics.find("upstream=\"a\\\"},{\\n</script><b>\\\\\""), std::string::npos);
}

TEST_F(StatusPageTest, PrometheusHistogramsAddUp) {
  make({1});
  for (int i = 0; i < 5; ++i) finish(pick(), Result::kOk, 10ms);
  const std::string page = render(PageFormat::kPrometheus);
  const std::string label = "{proxy=\"nginx\",upstream=\"api\",peer=\"10.0.0.0:80\"";
  EXPECT_NE(page.find("leastwise_peer_response_time_seconds_bucket" + label + ",le=\"+Inf\"} 5\n"),
            std::string::npos);
  EXPECT_NE(page.find("leastwise_peer_response_time_seconds_sum" + label + "} 0.05\n"),
            std::string::npos);
  EXPECT_NE(page.find("leastwise_peer_response_time_seconds_count" + label + "} 5\n"),
            std::string::npos);
  EXPECT_NE(page.find("leastwise_peer_requests_total" + label + ",result=\"ok\"} 5\n"),
            std::string::npos);
}

TEST_F(StatusPageTest, PartsOfAnySizeMakeTheSamePage) {
  make(std::vector<int>(40, 1));
  for (int i = 0; i < 100; ++i) finish(pick(), Result::kOk, 10ms);
  for (const PageFormat format : {PageFormat::kJson, PageFormat::kPrometheus}) {
    const std::string whole = render(format, "api", 1 << 20);
    EXPECT_EQ(render(format, "api", 12'288), whole);
    EXPECT_GT(whole.size(), 2U * 12'288);
  }
}

TEST_F(StatusPageTest, APartOfTheLongestNamesFits) {
  make({1});
  const std::string longest(kMaxEndpointName, '\x01');  // six times as long in JSON
  ASSERT_NE(pool_.add(longest), kNoEndpoint);
  const std::string quotes(kMaxEndpointName, '"');  // twice as long in both
  ASSERT_NE(pool_.add(quotes), kNoEndpoint);
  for (const PageFormat format : {PageFormat::kJson, PageFormat::kPrometheus}) {
    for (const std::string& upstream : {longest, quotes}) {
      EXPECT_GT(render(format, upstream, StatusPage::kLeastRoom / 2).size(), 0U);
    }
  }
}

TEST_F(StatusPageTest, WhatWasPutDownToRequestsIsCountedApart) {
  make({1, 1});
  Verdict verdict;
  for (MemberIndex m : {0U, 1U}) {
    picker_.finish(config_, picker_.adopt(config_, {}, m, now_),
                   {.result = Result::kServerError, .status = 503}, now_, &verdict);
  }
  picker_.settle(config_, verdict, now_);
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
  const auto& peer = page["upstreams"]["api"]["peers"][0];
  EXPECT_EQ(peer["leastwise"]["forgiven"], 1);
  EXPECT_EQ(peer["fails"], 1);
  EXPECT_NE(render(PageFormat::kPrometheus)
                .find("leastwise_peer_forgiven_total{proxy=\"nginx\","
                      "upstream=\"api\",peer=\"10.0.0.0:80\"} 1\n"),
            std::string::npos);
}

TEST_F(StatusPageTest, LinesOfAMetricStandTogether) {
  make({1, 1, 1});
  const std::string page = render(PageFormat::kPrometheus);
  std::istringstream lines(page);
  std::set<std::string> ended;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# HELP ")) continue;
    const std::string metric = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_TRUE(ended.insert(metric).second) << metric;
  }
  EXPECT_EQ(ended.size(), 46U);
}

TEST_F(StatusPageTest, JsonTellsOfTheLastMinutesAndDecisions) {
  make({1, 1});
  for (int i = 0; i < 300; ++i) serve("/api/list", 100ms);
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
  const auto& upstream = page["upstreams"]["api"];
  ASSERT_GE(upstream["history"].size(), 3U);
  EXPECT_NEAR(upstream["history"][0][1].get<double>(), 10, 0.5);
  ASSERT_EQ(upstream["decisions"].size(), Decision::kShown);
  const auto& decision = upstream["decisions"][0];
  EXPECT_EQ(decision["route"], "GET /api/list");
  EXPECT_EQ(decision["chosen"]["server"].get<std::string>().substr(0, 7), "10.0.0.");
  EXPECT_NEAR(decision["chosen"]["expected_ms"].get<double>(), 100, 10);
  EXPECT_GT(upstream["model"]["decisions"]["policy"], 200);
  const auto& own = upstream["peers"][0]["leastwise"];
  EXPECT_GT(own["window"]["answers"], 50);
  EXPECT_NEAR(own["window"]["p50_ms"].get<double>(), 100, 13);
  EXPECT_NEAR(own["predicted_ms"].get<double>(), 100, 10);
  for (const std::size_t room : {StatusPage::kLeastRoom / 2, std::size_t{4'096}}) {
    EXPECT_EQ(render(PageFormat::kJson, "api", room), render(PageFormat::kJson));
  }
}

TEST_F(StatusPageTest, PeersComeInTheOrderOfTheConfiguration) {
  for (const std::uint32_t peers : {1U, 2U, 5U, 500U}) {
    make(std::vector<int>(peers, 1));
    // Shuffled, some in the same place.
    for (std::uint32_t i = 0; i < peers; ++i) settle(i, {.order = (i * i + 3 * i) % 331});
    const auto page = nlohmann::json::parse(render(PageFormat::kJson));
    std::vector<std::uint32_t> orders;
    std::set<std::string> names;
    for (const auto& peer : page["upstreams"]["api"]["peers"]) {
      orders.push_back(peer["leastwise"]["order"]);
      names.insert(peer["server"]);
    }
    EXPECT_TRUE(std::ranges::is_sorted(orders)) << peers;
    EXPECT_EQ(names.size(), peers) << "each is there once";
  }
}

TEST_F(StatusPageTest, StatesHaveTheirReason) {
  make({1, 1, 1, 1, 1});
  settle(0, {.flags = kDown});
  settle(1, {.max_fails = 1});
  finish(picker_.adopt(config_, {}, 1, now_), Result::kReset, 1ms);
  settle(2, {.max_conns = 1});
  picker_.adopt(config_, {}, 2, now_);
  settle(3, {.flags = kBackup, .order = 7});
  std::map<std::string, nlohmann::json> peers;
  const auto page = nlohmann::json::parse(render(PageFormat::kJson));
  for (const auto& peer : page["upstreams"]["api"]["peers"])
    peers[peer["server"]] = peer["leastwise"];
  EXPECT_EQ(peers["10.0.0.0:80"]["reason"], "owner");
  EXPECT_EQ(peers["10.0.0.1:80"]["reason"], "max_fails");
  EXPECT_NEAR(peers["10.0.0.1:80"]["for_s"].get<double>(), 10, 0.1);
  EXPECT_EQ(peers["10.0.0.2:80"]["reason"], "max_conns");
  EXPECT_EQ(peers["10.0.0.3:80"]["reason"], "backup");
  EXPECT_EQ(peers["10.0.0.3:80"]["order"], 7);
  EXPECT_EQ(peers["10.0.0.4:80"]["reason"], "");
}

TEST_F(StatusPageTest, HaproxysServersHaveTheirNameBesideTheirAddress) {
  make({1});
  ASSERT_NE(pool_.add("haproxy/app/s1@10.0.0.9:80"), kNoEndpoint);
  const std::array<NamedPool, 1> named = {{{"app", &config_, pool_}}};
  std::vector<PeerView> peers(StatusPage::peers_of(named));
  StatusPage page(PageFormat::kPrometheus, "haproxy", named, peers, now_);
  std::string buffer(1 << 20, '\0');
  Text text(buffer);
  EXPECT_FALSE(page.render(text));
  EXPECT_NE(text.view().find("leastwise_peer_up{proxy=\"haproxy\",upstream=\"app\","
                             "peer=\"10.0.0.9:80\",server=\"s1\"} 1\n"),
            std::string_view::npos);
}

TEST_F(StatusPageTest, PoolsWithoutPeersAreShown) {
  make({1});
  alignas(64) static std::array<std::byte, 1 << 20> memory;
  Pool empty;
  ASSERT_TRUE(Pool::create(memory, 4, empty).ok());
  const std::array<NamedPool, 3> named = {
      {{"a", &config_, empty}, {"b", &config_, pool_}, {"c", &config_, empty}}};
  std::vector<PeerView> peers(StatusPage::peers_of(named));
  StatusPage page(PageFormat::kJson, "nginx", named, peers, now_);
  std::string buffer(StatusPage::kLeastRoom, '\0');
  Text text(buffer);
  EXPECT_FALSE(page.render(text));
  const auto json = nlohmann::json::parse(text.view());
  EXPECT_EQ(json["upstreams"]["a"]["peers"].size(), 0U);
  EXPECT_EQ(json["upstreams"]["b"]["peers"].size(), 1U);
  EXPECT_EQ(json["upstreams"]["c"]["peers"].size(), 0U);
}

}  // namespace
}  // namespace leastwise
