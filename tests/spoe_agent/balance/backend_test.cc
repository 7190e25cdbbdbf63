#include "balance/backend.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <map>
#include <vector>

#include "spoe_agent/agent_fixture.h"
#include "spop/pick_message.h"

namespace leastwise::agent {
namespace {

using namespace std::chrono_literals;
using Loads = std::vector<spop::ServerLoad>;

class BackendTest : public AgentFixture {
 protected:
  std::map<std::string, int> picks(int n, const Loads& loads = {}) {
    std::map<std::string, int> counts;
    for (int i = 0; i < n; ++i) {
      const Picked picked = app().pick({}, loads, now_);
      ++counts[std::string(picked.server)];
      app().cancel(picked.ticket, now_);
    }
    return counts;
  }
  BackendInfo with_flags(std::uint32_t s1, std::uint32_t s2) {
    BackendInfo info = app_with({"s1", "s2"});
    info.servers[0].settings.flags = s1;
    info.servers[1].settings.flags = s2;
    return info;
  }
};

// HAProxy uses the first of them or all, and does not say which.
TEST_F(BackendTest, ABackupIsLeftToHaproxy) {
  BackendInfo info = app_with({"s1", "s2", "s3"});
  info.servers[1].backup = info.servers[2].backup = true;
  servers(info);
  const Picked first = app().pick({}, {}, now_);
  EXPECT_EQ(first.server, "s1");
  EXPECT_EQ(first.second, "");
  app().cancel(first.ticket, now_);
  info.servers[0].settings.flags = kDown;
  servers(info);
  EXPECT_FALSE(app().pick({}, {}, now_).ticket);
}

TEST_F(BackendTest, ServersWithLongNamesThatBeginAlikeArePicked) {
  const std::string long_name(223, 'x');
  const std::string first = long_name + '1', second = long_name + '2';
  servers(app_with({first.c_str(), second.c_str()}));
  const std::map<std::string, int> counts = picks(10);
  EXPECT_EQ(counts.at(first), 5);
  EXPECT_EQ(counts.at(second), 5);
}

TEST_F(BackendTest, RequestsThatNobodyAskedAboutCountAsInFlight) {
  servers(app_with({"s1", "s2"}));
  const std::vector<ServerCounts> counts = {{.backend = "app", .server = "s1", .in_flight = 3},
                                            {.backend = "app", .server = "s2"}};
  app().begin_counts();
  app().note_counts(counts, now_);
  EXPECT_EQ(picks(6), (std::map<std::string, int>{{"s2", 6}}));
  now_ += HaproxyCounts::kFresh;
  EXPECT_EQ(picks(6), (std::map<std::string, int>{{"s1", 3}, {"s2", 3}}));
}

TEST_F(BackendTest, AServerIsFullByBothCountsTogetherOrWhenRequestsWaitForIt) {
  BackendInfo info = app_with({"s1", "s2"});
  info.servers[0].settings.max_conns = 2;
  info.servers[1].settings.max_conns = 9;
  servers(info);
  const auto read = [&](std::uint32_t first, std::uint32_t first_queued, std::uint32_t second) {
    const std::vector<ServerCounts> counts = {
        {.backend = "app", .server = "s1", .in_flight = first, .queued = first_queued},
        {.backend = "app", .server = "s2", .in_flight = second}};
    app().begin_counts();
    app().note_counts(counts, now_);
  };
  read(2, 0, 8);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"s2", 4}}));
  read(1, 1, 8);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"s2", 4}}));
  read(2, 0, 9);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"", 4}}));
}

TEST_F(BackendTest, APlaceThatBecomesFreeWhileSomebodyWaitsIsGivenAwayByHaproxy) {
  BackendInfo info = app_with({"s1", "s2"});
  for (ServerInfo& server : info.servers) server.settings.max_conns = 1;
  servers(info);
  const auto read = [&](std::uint32_t in_flight) {
    const std::vector<ServerCounts> counts = {
        {.backend = "app", .server = "s1", .in_flight = in_flight},
        {.backend = "app", .server = "s2", .in_flight = in_flight}};
    app().begin_counts();
    app().note_counts(counts, now_);
  };
  read(0);
  const Outcome done{.result = Result::kOk, .occupied = std::chrono::milliseconds(5)};
  const Picked first = app().pick({}, {}, now_), second = app().pick({}, {}, now_);
  EXPECT_NE(first.server, second.server);
  EXPECT_FALSE(app().pick({}, {}, now_).ticket);
  app().note_waiting(1);  // that one
  app().finish(first.ticket, done, now_);
  EXPECT_FALSE(app().pick({}, {}, now_).ticket);
  app().finish(second.ticket, done, now_);  // nobody waits any more
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{std::string(second.server), 4}}));
  read(1);
  EXPECT_FALSE(app().pick({}, {}, now_).ticket);
  read(0);
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"s1", 2}, {"s2", 2}}));
}

TEST_F(BackendTest, BeforeAnythingIsDiscoveredNothingIsPicked) {
  EXPECT_FALSE(app().pick({}, {}, now_).ticket);
}

TEST_F(BackendTest, UnlearnedAndIdleTheServersTakeTurns) {
  servers(app_with({"s1", "s2", "s3"}));
  EXPECT_EQ(picks(9), (std::map<std::string, int>{{"s1", 3}, {"s2", 3}, {"s3", 3}}));
}

TEST_F(BackendTest, TheRunnerUpIsAnotherServer) {
  servers(app_with({"s1", "s2"}));
  const Picked picked = app().pick({}, {}, now_);
  EXPECT_FALSE(picked.second.empty());
  EXPECT_NE(picked.server, picked.second);
}

TEST_F(BackendTest, HaproxysCountsDecide) {
  servers(app_with({"s1", "s2", "s3"}));
  const Loads loads = {{"s1", 5, {}, {}}, {"s2", 1, {}, {}}, {"s3", 4, {}, {}}};
  EXPECT_EQ(picks(4, loads), (std::map<std::string, int>{{"s2", 4}}));
  // Also in another order, with servers that are not ours, and with what waits in the queue.
  const Loads other = {{"s3", 4, {}, {}}, {"x", 0, {}, {}}, {"s1", 2, {}, {}}, {"s2", 1, 9, {}}};
  EXPECT_EQ(picks(4, other), (std::map<std::string, int>{{"s1", 4}}));
}

TEST_F(BackendTest, CountsOfSomeServersOnlyAreNotCompared) {
  servers(app_with({"s1", "s2"}));
  EXPECT_EQ(picks(4, {{"s1", 5, {}, {}}}), (std::map<std::string, int>{{"s1", 2}, {"s2", 2}}));
}

TEST_F(BackendTest, AServerThatHaproxySaysIsDownIsNotPicked) {
  servers(app_with({"s1", "s2"}));
  EXPECT_EQ(picks(4, {{"s1", 0, {}, false}, {"s2", 9, {}, true}}),
            (std::map<std::string, int>{{"s2", 4}}));
}

TEST_F(BackendTest, DownAndDrainingServersAreNotPicked) {
  servers(with_flags(kDown, 0));
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"s2", 4}}));
  EXPECT_FALSE(servers(with_flags(0, kDraining))) << "the list is the same";
  EXPECT_EQ(picks(4), (std::map<std::string, int>{{"s1", 4}}));
}

TEST_F(BackendTest, WhenAllThatIsLeftIsDrainingHaproxyDecides) {
  servers(with_flags(kDown, kDraining));
  EXPECT_FALSE(app().pick({}, {}, now_).ticket);
  EXPECT_EQ(sums().in_flight, 0U);
}

TEST_F(BackendTest, AServerAtItsLimitIsNotPicked) {
  BackendInfo info = app_with({"s1", "s2"});
  info.servers[0].settings.max_conns = 1;
  servers(info);
  for (const char* id : {"a", "b", "c", "d"}) pick(id);
  EXPECT_EQ(view("s1").in_flight, 1U);
  EXPECT_EQ(view("s2").in_flight, 3U);
}

TEST_F(BackendTest, AServerThatHaproxyHasAtItsLimitIsNotPicked) {
  BackendInfo info = app_with({"s1", "s2", "s3"});
  for (ServerInfo& server : info.servers) server.settings.max_conns = 2;
  servers(info);
  Config by_turns;
  by_turns.policy = find_policy("round_robin");
  for (const Config& config : {Config{}, by_turns}) {
    registry_.configure({{"app", config}}, feedback_, now_);
    const Loads loads = {{"s1", 2, {}, {}}, {"s2", 1, {}, {}}, {"s3", 5, {}, {}}};
    EXPECT_EQ(picks(6, loads), (std::map<std::string, int>{{"s2", 6}}));
    EXPECT_EQ(picks(6, {{"s1", 2, {}, {}}}).count("s1"), 0U) << "also without the others' counts";
    const Loads full = {{"s1", 2, {}, {}}, {"s2", 2, {}, {}}, {"s3", 5, {}, {}}};
    EXPECT_FALSE(app().pick({}, full, now_).ticket) << "HAProxy knows where to queue";
  }
}

TEST_F(BackendTest, AServerThatMovedIsAnotherOne) {
  BackendInfo info = app_with({"s1"});
  servers(info);
  pick("a");
  line("id=a s=s1 tsc=---- st=200");
  EXPECT_EQ(view("s1").picks, 1U);
  info.servers[0].address = "10.0.0.2:80";
  EXPECT_TRUE(servers(info));
  EXPECT_EQ(view("s1").picks, 0U);
}

TEST_F(BackendTest, AServerThatComesBackIsKnown) {
  servers(app_with({"s1", "s2"}));
  pick("a");
  pick("b");
  line("id=a s=s1 tsc=---- st=200");
  servers(app_with({"s2"}));
  servers(app_with({"s1", "s2"}));
  EXPECT_EQ(view("s1").picks, 1U);
}

TEST_F(BackendTest, GrowsWithWhatItLearnedAndLearnsFromWhatWasOpen) {
  servers(app_with({"s1", "s2"}));
  const std::string first = pick("a");
  const std::string second = pick("b");
  line("id=a s=" + first + " tsc=---- st=200");
  BackendInfo many = app_with({"s1", "s2"});
  for (int i = 0; i < 500; ++i) {
    many.servers.push_back(
        {.name = "w" + std::to_string(i), .address = "10.0.1.1:80", .settings = {}});
  }
  EXPECT_TRUE(servers(many));
  EXPECT_GE(app().pool().capacity(), 502U);
  EXPECT_EQ(results(first, Result::kOk), 1U);
  EXPECT_EQ(results(second, Result::kCancelled), 1U);
  EXPECT_EQ(sums().in_flight, 0U);
  now_ += 3s;
  line("id=b s=" + second + " tsc=---- st=200 Tw=0 Tc=0 Tr=3000 Ta=3000");
  EXPECT_EQ(results(second, Result::kOk), 1U);
  EXPECT_DOUBLE_EQ(view(second).occupied_seconds, 3.0);
  const Sums s = sums();
  EXPECT_EQ(s.in_flight, 0U);
  EXPECT_EQ(s.picks, s.finishes);
}

TEST_F(BackendTest, RetiredItCancelsWhatIsOpenAndPicksNoMore) {
  servers(app_with({"s1"}));
  pick("a");
  registry_.configure({{"other", {}}}, feedback_, now_);
  EXPECT_EQ(registry_.find("app"), nullptr);
  EXPECT_NE(registry_.find("other"), nullptr);
  EXPECT_FALSE(app().pick({}, {}, now_).ticket);
  line("id=a s=s1 tsc=---- st=200");  // its line comes after all
  registry_.configure({{"app", {}}}, feedback_, now_);
  EXPECT_EQ(registry_.find("app"), &app());
  EXPECT_TRUE(servers(app_with({"s1"})));
  EXPECT_EQ(results("s1", Result::kCancelled), 1U);
  EXPECT_EQ(sums().in_flight, 0U);
}

TEST_F(BackendTest, ServersOutsideTheLocalityAreRemote) {
  Config config;
  ASSERT_TRUE(Networks::parse("10.0.0.0/8,fd00::/8", config.locality).ok());
  BackendConfig own;
  own.name = "app";
  own.settings = config;
  Backend backend(own, store_);
  BackendInfo info = app_with({"s1", "s2", "s3", "s4"});
  info.servers[0].address = "10.1.2.3:80";
  info.servers[1].address = "11.1.2.3:80";
  info.servers[2].address = "[fd00::1]:80";
  info.servers[3].address = "/run/app.sock";
  backend.update(info, registry_.gate(), feedback_, now_);
  const auto is_remote = [&](const char* server) {
    return (backend.pool().settings(backend.find(server)).flags & kRemote) != 0;
  };
  EXPECT_FALSE(is_remote("s1"));
  EXPECT_TRUE(is_remote("s2"));
  EXPECT_FALSE(is_remote("s3"));
  EXPECT_FALSE(is_remote("s4")) << "a socket of this machine";
}

// Killed, and started again as pid 1 of its container, with its state on a volume.
TEST_F(BackendTest, WhatAnEarlierLifeWithTheSamePidHadInFlightIsGivenBack) {
  const std::size_t bytes = Pool::bytes_for(64);
  Pool pool;
  ASSERT_TRUE(Pool::create(store_.create("killed", bytes), 64, pool).ok());
  const EndpointId id = pool.add("haproxy/killed/s1@10.0.0.1:80");
  const Incarnation before{.pid = static_cast<std::uint32_t>(::getpid()), .born = 1};
  const ProcessSlot slot = pool.join(before, [](Incarnation) { return true; });
  const std::vector<Member> members{{.id = id}};
  std::vector<std::byte> memory(Picker::bytes_for(1));
  Picker picker;
  ASSERT_TRUE(Picker::create(pool, slot, members, memory, 1, picker).ok());
  for (int i = 0; i < 6; ++i) picker.adopt({}, {}, 0, now_);
  ASSERT_EQ(pool.view(id, {}, now_).in_flight, 6U);

  BackendConfig its_own;
  its_own.name = "killed";
  Backend again(its_own, store_);
  EXPECT_EQ(pool.view(id, {}, now_).in_flight, 0U);
  EXPECT_EQ(pool.view(id, {}, now_).healed, 6U);
  EXPECT_EQ(pool.view().processes, 1U);
}

// A reload keeps the memory that is in use; the next start makes it as it is configured.
TEST_F(BackendTest, MemoryForPromptsIsMadeAnewAtTheNextStart) {
  BackendConfig models;
  models.name = "models";
  const auto say = [&](std::string_view name, std::string_view value) {
    ASSERT_TRUE(set(models.settings, *find_directive(name), value).ok());
  };
  say("policy", "inference");
  say("prompt_memory", "2m");
  EndpointId id = kNoEndpoint;
  {
    Backend first(models, store_);
    EXPECT_EQ(first.pool().residency(), 2U << 20);
    Pool pool = first.pool();
    id = pool.add("haproxy/models/s1@10.0.0.1:80");
    say("prompt_memory", "4m");
    first.set_config(models);
    EXPECT_EQ(first.pool().residency(), 2U << 20);
  }
  const Backend again(models, store_);
  EXPECT_EQ(again.pool().residency(), 4U << 20);
  EXPECT_EQ(again.pool().endpoint_name(id), "haproxy/models/s1@10.0.0.1:80");
}

}  // namespace
}  // namespace leastwise::agent
