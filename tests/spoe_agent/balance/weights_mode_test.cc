#include "balance/weights_mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "balance/state_store.h"

namespace leastwise::agent {
namespace {

using testing::HasSubstr;

class NoPicks final : public OpenPicks {
  void for_each(const std::function<void(OpenTicket&)>& /*visit*/, TimePoint /*now*/) override {}
};

class WeightsModeTest : public testing::Test {
 protected:
  WeightsModeTest()
      : store_(""),
        registry_({{.name = "app", .settings = {}, .mode = Mode::kWeights},
                   {.name = "picked", .settings = {}, .mode = Mode::kPick}},
                  store_),
        mode_(registry_, store_, counters_) {}

  void round(const std::vector<BackendInfo>& infos, std::uint32_t pid = 1) {
    mode_.on_servers(infos, pid, now_ += std::chrono::seconds(1));
  }

  std::string warning() const {
    const std::vector<LearningWatch::Warning> all = mode_.warnings();
    return all.empty() ? "" : all.front().name + ": " + all.front().text;
  }

  static std::vector<BackendInfo> app() {
    BackendInfo info{.name = "app", .servers = {}};
    info.servers.push_back({.name = "s1", .address = "10.0.0.1:80", .settings = {}});
    return {info};
  }

  StateStore store_;
  Registry registry_;
  FeedbackCounters counters_;
  WeightsMode mode_;
  NoPicks open_;
  TimePoint now_{std::chrono::hours(1)};
};

TEST_F(WeightsModeTest, ABackendThatHaproxyDoesNotHaveIsAWarningUntilItHas) {
  EXPECT_EQ(warning(), "");  // nobody was asked yet
  round({});
  EXPECT_EQ(mode_.warnings().size(), 1U);  // `picked` is none of ours
  EXPECT_THAT(warning(), HasSubstr("not_steered: backend app: weights are not steered: HAProxy has "
                                   "no backend of that name"));
  round(app());
  EXPECT_EQ(warning(), "");
}

TEST_F(WeightsModeTest, WhatHaproxyRefusesIsAWarningAndNotCountedAsTold) {
  round(app());
  const std::vector<RuntimeClient::Refusal> refused = {
      {"set server app/s1 weight 256", "Permission denied"}};
  mode_.on_told(3, refused);
  EXPECT_EQ(counters_.weights_told.get(), 2U);
  EXPECT_EQ(counters_.weights_refused.get(), 1U);
  EXPECT_THAT(warning(), HasSubstr("level admin"));
  round(app());
  EXPECT_THAT(warning(), HasSubstr("level admin"));
  round(app(), 2);  // HAProxy was reloaded
  EXPECT_EQ(warning(), "");
}

std::uint32_t configured(const WeightsMode& mode) {
  return mode.view().at(0).servers.at(0).configured;
}

TEST_F(WeightsModeTest, AWeightSetByHandOutlivesTheAgent) {
  std::vector<BackendInfo> infos = app();
  ServerInfo& server = infos[0].servers[0];
  server.weight = server.initial_weight = 20;
  round(infos);
  server.weight = 5;  // by hand
  round(infos);
  EXPECT_EQ(configured(mode_), 5U);

  const auto after = [&](std::uint32_t weight, std::uint32_t pid) {
    WeightsMode next(registry_, store_, counters_);
    server.weight = weight;
    next.on_servers(infos, pid, now_ += std::chrono::seconds(1));
    return configured(next);
  };
  EXPECT_EQ(after(5, 1), 5U);  // killed
  EXPECT_EQ(after(7, 1), 7U);  // and set by hand while no agent was there
  EXPECT_EQ(after(7, 1), 7U);
  EXPECT_EQ(after(20, 2), 20U);  // another HAProxy has the weights of its configuration
  EXPECT_EQ(after(20, 2), 20U);
}

TEST_F(WeightsModeTest, WhatWasToldIsNoWeightSetByHandAfterACrash) {
  std::vector<BackendInfo> infos = app();
  infos[0].servers.push_back({.name = "s2", .address = "10.0.0.2:80", .settings = {}});
  for (ServerInfo& server : infos[0].servers) server.weight = server.initial_weight = 20;
  WeightsMode::Commands commands;
  for (unsigned i = 0; i < 100 && commands.empty(); ++i) {
    for (ServerInfo& server : infos[0].servers) server.figures.sessions += 100;
    infos[0].servers[0].figures.answer = 10;
    infos[0].servers[1].figures.answer = 100;
    commands = mode_.on_servers(infos, 1, now_ += std::chrono::seconds(1));
  }
  ASSERT_EQ(commands.size(), 2U);
  for (const bool was_heard : {false, true}) {
    const std::size_t space = commands[0].rfind(' ');
    if (was_heard) {
      infos[0].servers[0].weight =
          static_cast<std::uint32_t>(std::stoul(commands[0].substr(space + 1)));
    }
    WeightsMode next(registry_, store_, counters_);
    next.on_servers(infos, 1, now_ += std::chrono::seconds(1));
    EXPECT_EQ(configured(next), 20U);
  }
}

TEST_F(WeightsModeTest, ABackendThatIsGoneIsNoWarning) {
  round({});
  registry_.configure({{.name = "picked", .settings = {}, .mode = Mode::kPick}}, open_, now_);
  mode_.give_back_what_left();
  EXPECT_EQ(warning(), "");
}

}  // namespace
}  // namespace leastwise::agent
