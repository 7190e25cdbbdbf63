#include "engine/engine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "policies/policy_list.h"
#include "scenarios/catalogue.h"
#include "theory.h"

namespace leastwise::sim {
namespace {

Scenario named(const std::string& name, std::uint64_t seed) {
  for (Scenario s : named_scenarios()) {
    if (s.name != name) continue;
    s.seed = seed;
    return s;
  }
  ADD_FAILURE() << "no scenario " << name;
  return {};
}

Result run(const Scenario& scenario, std::string_view policy) {
  return Engine(scenario).run(policy_named(policy).make);
}

// Made by an independent simulator from the same seeds: what a seed means must not change,
// or figures of different versions could not be compared.
TEST(EngineTest, AgreesWithAnIndependentSimulator) {
  const std::map<std::string, std::array<double, 3>> expected = {
      {"plain_least_conn", {5.918, 27.380, 41.257}}, {"plain_two_choices", {6.019, 27.656, 43.373}},
      {"peak_ewma_full", {5.671, 26.045, 40.847}},   {"c3", {5.788, 26.571, 42.091}},
      {"oracle_jsq", {5.698, 22.194, 33.779}},       {"oracle_lwl", {5.537, 20.694, 28.784}}};
  const Scenario scenario = named("het4-exp-0.5", 1);
  for (const auto& [policy, figures] : expected) {
    const Result r = run(scenario, policy);
    EXPECT_NEAR(r.all.mean(), figures[0], 6e-4) << policy;
    EXPECT_NEAR(r.all.quantile(0.99), figures[1], 6e-4) << policy;
    EXPECT_NEAR(r.all.quantile(0.999), figures[2], 6e-4) << policy;
  }
}

TEST(EngineTest, TheSameSeedGivesTheSameResult) {
  const Scenario scenario = random_scenario(3, 3000);
  EXPECT_EQ(run(scenario, "adaptive").all.mean(), run(scenario, "adaptive").all.mean());
}

// A policy that answers for the pairing of picks and finishes.
class Pairing final : public Balancer {
 public:
  struct Count {
    std::uint64_t picks = 0, finishes = 0, twice = 0;
  };
  Pairing(const World& world, Count& count) : world_(world), count_(count) {}
  std::optional<std::uint32_t> pick(const Job& job) override {
    ++count_.picks;
    if (++open_[job.id] != 1) ++count_.twice;
    return world_.up[count_.picks % world_.up.size()];
  }
  void finish(const Job& job, const Answer&) override {
    ++count_.finishes;
    if (--open_[job.id] != 0) ++count_.twice;
  }

 private:
  const World& world_;
  Count& count_;
  std::map<JobId, int> open_;
};

TEST(EngineTest, EveryPickIsFinishedOnceAlsoWithCrashesTimeoutsAndErrors) {
  Scenario s;
  s.servers = 3;
  s.load = 1.1;  // so that many wait for longer than the timeout
  s.timeout_ms = 200;
  s.duration_ms = 20000;
  s.warmup_ms = 0;
  s.restarts = {3, 500, 2000, 0.2};
  s.sinkhole = {1, 0.5, 1000, 5000};
  Pairing::Count count;
  const Result r = Engine(s).run(
      [&](const World& world, std::uint64_t) { return std::make_unique<Pairing>(world, count); });
  EXPECT_GT(count.picks, 20000U);
  EXPECT_EQ(count.twice, 0U);
  // Those still out at the end: 200 ms of arrivals at most, 1.32 per ms.
  EXPECT_LT(count.picks - count.finishes, 2 * 200 * 1.32);
  EXPECT_GT(r.errors, 100U);
}

TEST(EngineTest, ATimeoutCountsAsAnErrorThatTookThatLong) {
  Scenario s;
  s.servers = 1;
  s.routes = {{1, 1000, Size::kFixed, 0}};
  s.load = 0.5;
  s.timeout_ms = 300;
  s.warmup_ms = 0;
  const Result r = run(s, kReference);
  EXPECT_GT(r.requests, 40U);  // 0.5 · 4 cores · 30 s / 1 s = 60 expected, σ 7.7
  EXPECT_EQ(r.errors, r.requests);
  EXPECT_DOUBLE_EQ(r.all.mean(), 300);
}

TEST(EngineTest, ASinkholeAnswersWithErrorsForItsTime) {
  Scenario s;
  s.warmup_ms = 0;
  s.sinkhole = {1, 1, 10000, 20000};
  s.servers = 3;  // the sinkhole is server 2
  const Result r = run(s, "plain_two_choices");
  // A third of the run; the sinkhole looks idle and draws two thirds of all pairs, or more.
  EXPECT_GT(r.error_share(), 0.33 * 0.55);
  EXPECT_LT(r.error_share(), 0.33 * 0.80);
}

TEST(EngineTest, AServerThatIsDownGetsNothing) {
  Scenario s;
  s.servers = 2;
  s.load = 0.3;
  s.warmup_ms = 0;
  s.duration_ms = 10000;
  s.restarts = {1, 9000, 1000, 1};  // server 0, from 1 s on
  const Result r = run(s, kReference);
  // It had half of the first second of ten.
  const double share = static_cast<double>(r.picks[0]) / static_cast<double>(r.requests);
  EXPECT_NEAR(share, 0.05, 0.01);
}

TEST(EngineTest, AnEmptyPoolAnswersWithErrors) {
  Scenario s;
  s.servers = 1;
  s.load = 0.3;
  s.warmup_ms = 0;
  s.duration_ms = 10000;
  s.restarts = {1, 8000, 1000, 1};
  EXPECT_GT(run(s, "adaptive").error_share(), 0.7);
}

// Sends all to the first server that is up.
class Herd final : public Balancer {
 public:
  explicit Herd(const World& world) : world_(world) {}
  std::optional<std::uint32_t> pick(const Job&) override { return world_.up[0]; }
  void finish(const Job&, const Answer&) override {}

 private:
  const World& world_;
};

TEST(EngineTest, TellsHowMuchAServerHadRightAfterItCameUp) {
  Scenario s;
  s.servers = 3;
  s.balancers = 2;
  s.cores = {64};
  s.load = 0.5;
  s.warmup_ms = 0;
  s.duration_ms = 8000;
  s.restarts = {1, 1000, 1, 1};
  // All that is there is at one of three: three times its part, at the start and when it returns.
  const Result herd = Engine(s).run(
      [](const World& world, std::uint64_t) { return std::make_unique<Herd>(world); });
  EXPECT_NEAR(herd.start_peak, 3, 1e-9);
  EXPECT_GT(herd.return_peak, 0.5);
  // By turns each has a part of 32 busy cores: a Poisson number, of which five deviations are 28.
  const Result turns = run(s, "round_robin");
  EXPECT_LT(turns.start_peak, (32 + 28) / 32.0);
  EXPECT_LT(turns.return_peak, 2.0);
}

TEST(EngineTest, ProcessorSharingOnFourCoresMatchesTheFormula) {
  // M/M/4-PS has the mean of M/M/4: theory.h derives it. Shorter, hence 4 %.
  Theory theory = theories()[1];
  theory.scenario.discipline = Discipline::kSharing;
  theory.scenario.duration_ms = 4e5;
  const Proof proof = prove(theory);
  EXPECT_NEAR(proof.measured_ms, proof.expected_ms, 0.04 * proof.expected_ms);
}

TEST(EngineTest, EveryPolicySurvivesEveryTrouble) {
  for (const NamedPolicy& policy : all_policies()) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      const Scenario scenario = random_scenario(seed, 1500);
      const Result r = Engine(scenario).run(policy.make);
      EXPECT_GT(r.requests, 400U) << policy.name << ' ' << scenario.name;
      EXPECT_GT(r.all.mean(), 0) << policy.name << ' ' << scenario.name;
    }
  }
}

}  // namespace
}  // namespace leastwise::sim
