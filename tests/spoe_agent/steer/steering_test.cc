#include "steer/steering.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace leastwise::agent {
namespace {

// HAProxy without its requests: in each half second a server has some more, of some mean, and its
// average follows as HAProxy's own does. Commands take effect.
struct Fake {
  explicit Fake(std::size_t servers) {
    for (std::size_t i = 0; i < servers; ++i) {
      backend.servers.push_back({.name = "s" + std::to_string(i), .address = "", .settings = {}});
      averages.push_back(0);
    }
  }

  void serve(std::size_t i, unsigned requests, double mean_ms, double failing = 0) {
    ServerFigures& f = backend.servers[i].figures;
    for (unsigned n = 0; n < requests; ++n) {
      f.sessions += 1;
      const double window = static_cast<double>(std::min<std::uint64_t>(f.sessions, 512));
      averages[i] += (mean_ms - averages[i]) / window;
    }
    f.failures += static_cast<std::uint64_t>(failing * requests);
    f.answer = static_cast<std::uint32_t>(std::lround(averages[i]));
  }

  // One reading; returns what was told.
  std::vector<std::string> read() {
    now += std::chrono::milliseconds(500);
    std::vector<std::string> commands = steering.on_servers(backend, pid, now);
    for (const std::string& command : commands) {
      const std::size_t slash = command.find('/'), space = command.find(" weight ");
      const std::string name = command.substr(slash + 1, space - slash - 1);
      for (ServerInfo& s : backend.servers) {
        if (s.name == name)
          s.weight = static_cast<std::uint32_t>(std::stoul(command.substr(space + 8)));
      }
    }
    return commands;
  }

  void run(unsigned readings, const std::function<void()>& between) {
    for (unsigned i = 0; i < readings; ++i) {
      between();
      read();
    }
  }

  double weight(std::size_t i) const { return backend.servers[i].weight; }

  Steering steering;
  BackendInfo backend{.name = "app", .servers = {}};
  std::vector<double> averages;
  std::uint32_t pid = 1;
  TimePoint now{std::chrono::hours(1)};
};

TEST(Steering, ASlowServerGetsLessInSteps) {
  Fake f(3);
  double before = 256;
  bool is_capped = true;
  f.run(40, [&] {
    for (std::size_t i = 0; i < 3; ++i) f.serve(i, 50, i == 2 ? 40 : 10);
    const double now = f.weight(2) / f.weight(0) * 256;
    is_capped &= now >= before * 0.5 / 1.25 - 2;  // half, while the best gain a quarter
    before = now;
  });
  // (10 / 40) ^ 2.5 is 1/32; chance, of which 0.1 is allowed for here, and steps leave it above.
  EXPECT_LT(f.weight(2), 256.0 / 10);
  EXPECT_GE(f.weight(2), 256.0 / 64);
  EXPECT_EQ(f.weight(0), 256);
  EXPECT_EQ(f.weight(1), 256);
  EXPECT_TRUE(is_capped);
}

TEST(Steering, EqualServersAreLeftAlone) {
  Fake f(4);
  std::size_t told = 0;
  for (unsigned n = 0; n < 60; ++n) {
    // By chance up to a tenth apart, now this one, now that one.
    for (std::size_t i = 0; i < 4; ++i) f.serve(i, 40, 20 + static_cast<double>((n / 7 + i) % 3));
    told += f.read().size();
  }
  EXPECT_EQ(told, 0U);
  EXPECT_EQ(f.weight(0), 1);
}

TEST(Steering, WhatSlowsDownIsNoticedLongBeforeHaproxysAverageSaysSo) {
  Fake f(4);
  f.run(60, [&] {
    for (std::size_t i = 0; i < 4; ++i) f.serve(i, 50, 10);
  });
  f.run(6, [&] {
    for (std::size_t i = 1; i < 4; ++i) f.serve(i, 50, 10);
    f.serve(0, 10, 200);
  });
  EXPECT_LT(f.backend.servers[0].figures.answer, 40U) << "HAProxy's";
  EXPECT_LT(f.weight(0), f.weight(1) / 4);
  f.run(60, [&] {
    for (std::size_t i = 1; i < 4; ++i) f.serve(i, 50, 10);
    f.serve(0, static_cast<unsigned>(1 + 50 * f.weight(0) / 256), 10);
  });
  EXPECT_GT(f.weight(0), f.weight(1) * 0.7) << "and when it is over, half a minute later";
}

TEST(Steering, AServerThatAnswersNothingLosesItsShare) {
  Fake f(4);
  const auto well = [&] {
    for (std::size_t i = 0; i < 4; ++i) f.serve(i, 50, 10);
  };
  for (ServerInfo& s : f.backend.servers) s.figures.current = 2;
  f.run(40, well);
  f.run(8, [&] {
    for (std::size_t i = 1; i < 4; ++i) f.serve(i, 50, 10);
    // They begin, and none ends: the average stays what it was.
    f.backend.servers[0].figures.sessions += 20;
    f.backend.servers[0].figures.current += 20;
  });
  EXPECT_LT(f.weight(0), f.weight(1) / 8);
}

TEST(Steering, TcpSessionsThatLastAreNoFault) {
  Fake f(4);
  f.backend.is_http = false;
  std::size_t told = 0;
  for (unsigned n = 0; n < 40; ++n) {
    for (std::size_t i = 0; i < 4; ++i) f.serve(i, 20, 1);
    f.backend.servers[0].figures.current += 20;
    told += f.read().size();
  }
  EXPECT_EQ(told, 0U);
}

TEST(Steering, QuickFailuresAttractNothing) {
  Fake f(4);
  f.run(40, [&] {
    for (std::size_t i = 1; i < 4; ++i) f.serve(i, 50, 20);
    f.serve(0, 50, 1, 0.5);
  });
  EXPECT_LE(f.weight(0), f.weight(1) / 32);
}

TEST(Steering, WhatFailsEverywhereCountsAgainstNobody) {
  Fake f(4);
  std::size_t told = 0;
  for (unsigned n = 0; n < 40; ++n) {
    for (std::size_t i = 0; i < 4; ++i) f.serve(i, 50, 20, 0.5);
    told += f.read().size();
  }
  EXPECT_EQ(told, 0U);
}

TEST(Steering, ConfiguredWeightsAreKeptInProportionAndZeroStaysZero) {
  Fake f(4);
  for (std::size_t i = 0; i < 4; ++i) {
    f.backend.servers[i].weight = f.backend.servers[i].initial_weight = i == 3   ? 0
                                                                        : i == 0 ? 20
                                                                                 : 10;
  }
  f.run(40, [&] {
    for (std::size_t i = 0; i < 3; ++i) f.serve(i, 50, i == 2 ? 40 : 10);
  });
  EXPECT_EQ(f.weight(0), 256);
  EXPECT_EQ(f.weight(1), 128);
  EXPECT_LT(f.weight(2), 16);
  EXPECT_EQ(f.weight(3), 0);
}

TEST(Steering, WhoHasNoRequestsKeepsItsConfiguredWeight) {
  Fake f(3);
  f.run(40, [&] {
    f.serve(0, 50, 10);
    f.serve(1, 50, 40);
  });
  double mine = 0;
  for (const Steering::View& v : f.steering.view()) mine = v.server == "s2" ? v.factor : mine;
  EXPECT_EQ(mine, 1.0);
  EXPECT_GT(f.weight(2), f.weight(1));
  EXPECT_LT(f.weight(2), f.weight(0));
}

TEST(Steering, AWeightSetByHandIsTheNewConfiguredOne) {
  Fake f(3);
  const auto serve = [&] {
    for (std::size_t i = 0; i < 3; ++i) f.serve(i, 50, i == 2 ? 40 : 10);
  };
  f.run(20, serve);
  EXPECT_EQ(f.weight(1), 256);
  f.backend.servers[1].weight = 0;
  f.run(5, serve);
  EXPECT_EQ(f.weight(1), 0) << "drained by hand";
  f.backend.servers[1].weight = 2;
  f.run(5, serve);
  EXPECT_EQ(f.weight(1), 256);
  EXPECT_EQ(f.weight(0), 128);
}

TEST(Steering, GivesTheConfiguredWeightsBack) {
  Fake f(2);
  EXPECT_TRUE(f.steering.give_back("app").empty()) << "nothing was changed";
  f.backend.servers[0].weight = f.backend.servers[0].initial_weight = 7;
  f.run(20, [&] {
    f.serve(0, 50, 10);
    f.serve(1, 50, 40);
  });
  EXPECT_EQ(f.steering.give_back("app"),
            std::vector<std::string>({"set server app/s0 weight 7", "set server app/s1 weight 1"}));
}

TEST(Steering, WhatAKilledAgentLeftBehindIsNoConfiguredWeight) {
  Fake f(2);
  f.backend.servers[0].weight = 256;
  f.backend.servers[1].weight = 17;
  EXPECT_TRUE(f.read().empty()) << "nobody has had a request";
  EXPECT_EQ(f.steering.give_back("app"),
            std::vector<std::string>({"set server app/s0 weight 1", "set server app/s1 weight 1"}));
  f.run(20, [&] {
    f.serve(0, 50, 10);
    f.serve(1, 50, 10);
  });
  EXPECT_EQ(f.weight(0), f.weight(1)) << "equals";
}

TEST(Steering, AReloadedHaproxyIsToldAtOnceWhatWasLearned) {
  Fake f(2);
  const auto serve = [&] {
    f.serve(0, 50, 10);
    f.serve(1, 50, 40);
  };
  f.run(40, serve);
  const double learned = f.weight(1);
  f.pid = 2;
  for (ServerInfo& s : f.backend.servers) {
    s.weight = 1;
    s.figures = {};
  }
  f.averages.assign(2, 0);
  serve();
  f.read();
  EXPECT_EQ(f.weight(0), 256);
  EXPECT_NEAR(f.weight(1), learned, learned / 4);
}

TEST(Steering, LeavesABackendAloneWhoseWeightsAnAgentCheckSets) {
  Fake f(2);
  f.backend.servers[1].has_agent_check = true;
  std::size_t told = 0;
  for (unsigned n = 0; n < 40; ++n) {
    f.serve(0, 50, 10);
    f.serve(1, 50, 40);
    told += f.read().size();
  }
  EXPECT_EQ(told, 0U);
  EXPECT_EQ(f.steering.obstacle(), "s1");
}

TEST(Steering, WhoAsksByItsAgentCheckIsAnsweredAndNotTold) {
  Fake f(2);
  for (ServerInfo& s : f.backend.servers) {
    s.initial_weight = 20;
    s.has_agent_check = true;
  }
  f.backend.servers[1].asks_us = true;
  f.serve(1, 50, 40);
  EXPECT_TRUE(f.read().empty());
  EXPECT_EQ(f.steering.obstacle(), "s0");
  f.backend.servers[0].has_agent_check = false;  // is told as ever
  std::vector<std::string> told;
  for (unsigned n = 0; n < 40; ++n) {
    f.serve(0, 50, 10);
    f.serve(1, 50, 40);
    for (std::string& command : f.read()) told.push_back(std::move(command));
    f.backend.servers[1].weight = std::max(1U, f.steering.view()[1].told);  // the next check
  }
  EXPECT_EQ(f.steering.obstacle(), "");
  EXPECT_FALSE(told.empty());
  for (const std::string& command : told) EXPECT_EQ(command.find("/s1 "), command.npos) << command;
  EXPECT_LT(f.weight(1), f.weight(0) / 4);
  EXPECT_EQ(f.steering.view()[1].configured, 20U) << "not taken for what somebody set by hand";
}

TEST(Steering, SaysNothingMoreWhereWeightsAreRefused) {
  Fake f(2);
  f.steering.pause();
  std::size_t told = 0;
  for (unsigned n = 0; n < 40; ++n) {
    if (n == 1) f.steering.pause();
    f.serve(0, 50, 10);
    f.serve(1, 50, 40);
    told += f.read().size();
  }
  EXPECT_EQ(told, 0U);
  f.pid = 2;
  for (unsigned n = 0; n < 10; ++n) {
    f.serve(0, 50, 10);
    f.serve(1, 50, 40);
    told += f.read().size();
  }
  EXPECT_GT(told, 0U) << "a new process may allow it";
}

// Whatever HAProxy's figures are, weights are in its range, and not all of them are zero.
TEST(Steering, NonsenseInIsNoNonsenseOut) {
  Fake f(5);
  std::uint64_t random = 88172645463325252ULL;
  const auto draw = [&] {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    return random;
  };
  for (unsigned n = 0; n < 5000; ++n) {
    for (ServerInfo& s : f.backend.servers) {
      const bool is_wild = draw() % 8 == 0;
      s.figures = {.sessions = s.figures.sessions + draw() % 100,
                   .failures = draw() % (is_wild ? ~0ULL : 200),
                   .refusals = 0,
                   .current = static_cast<std::uint32_t>(draw() >> (is_wild ? 32 : 60)),
                   .queued = 0,
                   .connect = 0,
                   .answer = static_cast<std::uint32_t>(draw() >> (is_wild ? 32 : 56))};
      if (is_wild) s.figures.sessions = draw();
    }
    f.read();
    double best = 0;
    for (const ServerInfo& s : f.backend.servers) {
      EXPECT_GE(s.weight, 1U);
      EXPECT_LE(s.weight, 256U);
      best = std::max<double>(best, s.weight);
    }
    ASSERT_TRUE(best == 1 || best > 200) << best;
  }
}

}  // namespace
}  // namespace leastwise::agent
