#include "engine/server.h"

#include <gtest/gtest.h>

#include <vector>

namespace leastwise::sim {
namespace {

Scenario with(Discipline discipline, std::uint32_t cores) {
  Scenario s;
  s.discipline = discipline;
  s.cores = {cores};
  return s;
}

// Runs until nothing is left. Returns when each job was done.
std::vector<double> drain(Server& server, std::vector<double> sizes, double now = 0) {
  for (JobId id = 0; id < sizes.size(); ++id) {
    server.advance(now);
    server.enqueue(id, sizes[id]);
  }
  std::vector<double> done(sizes.size());
  while (const auto at = server.plan(now)) {
    now = *at;
    server.advance(now);
    done[server.complete([&](JobId id) { return sizes[id]; }).done] = now;
  }
  return done;
}

TEST(ServerTest, FirstComeFirstServedOnOneCore) {
  Server server(with(Discipline::kFirstCome, 1), 0, 1);
  EXPECT_EQ(drain(server, {10, 5, 1}), (std::vector<double>{10, 15, 16}));
}

TEST(ServerTest, TwoCoresServeTwoAtOnce) {
  Server server(with(Discipline::kFirstCome, 2), 0, 1);
  EXPECT_EQ(drain(server, {10, 4, 3}), (std::vector<double>{10, 4, 7}));
}

TEST(ServerTest, TwiceTheSpeedHalvesTheTime) {
  Server server(with(Discipline::kFirstCome, 1), 0, 2);
  EXPECT_EQ(drain(server, {10, 6}), (std::vector<double>{5, 8}));
}

TEST(ServerTest, SharingServesAllAtOnce) {
  // Both at half the speed until the short one is done at 8; 6 of 10 are then left.
  Server server(with(Discipline::kSharing, 1), 0, 1);
  EXPECT_EQ(drain(server, {10, 4}), (std::vector<double>{14, 8}));
}

TEST(ServerTest, SharingDoesNotSlowDownBelowItsCores) {
  Server server(with(Discipline::kSharing, 2), 0, 1);
  EXPECT_EQ(drain(server, {10, 4}), (std::vector<double>{10, 4}));
}

TEST(ServerTest, BatchingSlowsAllDown) {
  // Two at 1/(1 + 2/16) of the speed.
  Server server(with(Discipline::kBatching, 1), 0, 1);
  const std::vector<double> done = drain(server, {8, 8});
  EXPECT_DOUBLE_EQ(done[0], 9);
  EXPECT_DOUBLE_EQ(done[1], 9);
}

TEST(ServerTest, AChangeOfSpeedMovesTheCompletion) {
  Server server(with(Discipline::kFirstCome, 1), 0, 1);
  server.enqueue(0, 10);
  EXPECT_DOUBLE_EQ(server.plan(0).value(), 10);
  const std::uint32_t before = server.version();
  server.advance(4);
  server.set_antagonist(0.5);
  EXPECT_DOUBLE_EQ(server.plan(4).value(), 16);  // 6 left at half the speed
  EXPECT_NE(server.version(), before);
}

TEST(ServerTest, ACrashLosesWhatRunsAndWhatQueues) {
  Server server(with(Discipline::kFirstCome, 1), 0, 1);
  server.enqueue(7, 10);
  server.enqueue(8, 10);
  EXPECT_EQ(server.crash(), (std::vector<JobId>{7, 8}));
  EXPECT_FALSE(server.is_up());
  EXPECT_EQ(server.load(), 0U);
}

TEST(ServerTest, WarmsUpLinearlyAfterARestart) {
  Scenario s;
  s.restarts = {1, 1000, 10000, 0.2};
  Server server(s, 0, 2);
  EXPECT_DOUBLE_EQ(server.speed(0), 2);
  server.crash();
  server.restart(1000);
  EXPECT_DOUBLE_EQ(server.speed(1000), 0.4);
  EXPECT_DOUBLE_EQ(server.speed(6000), 1.2);
  EXPECT_DOUBLE_EQ(server.speed(11000), 2);
}

TEST(ServerTest, RemembersTheLastPrefixes) {
  Scenario s;
  s.prefixes = {10, 2};
  Server server(s, 0, 1);
  EXPECT_FALSE(server.touch_prefix(1));
  EXPECT_FALSE(server.touch_prefix(2));
  EXPECT_TRUE(server.touch_prefix(1));
  EXPECT_FALSE(server.touch_prefix(3));  // 2 goes, it was used longest ago
  EXPECT_TRUE(server.touch_prefix(1));
  EXPECT_FALSE(server.touch_prefix(2));
}

TEST(ServerTest, ListsAreRepeatedOverTheServers) {
  Scenario s;
  s.cores = {2, 4};
  s.rtt_ms = {0.5, 2, 20};
  EXPECT_EQ(Server(s, 3, 1).cores(), 4U);
  EXPECT_EQ(Server(s, 5, 1).rtt(), 20);
}

}  // namespace
}  // namespace leastwise::sim
