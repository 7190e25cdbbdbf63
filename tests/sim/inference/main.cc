// inference-sim [--quick [--gates]] [--seeds N] [--first-seed N] [--usage] [--only NAME]...
// [--router NAME]...: figures by scenario and router, and whether `inference` keeps its limits.
// inference-sim --capacity [--quick] [--seeds N] [--router NAME]...: what a pool carries with each.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/inference/capacity.h"
#include "sim/inference/limits.h"
#include "sim/inference/play.h"
#include "sim/inference/router.h"

namespace leastwise::sim {
namespace {

struct Options {
  bool is_quick = false, says_usage = false, has_gates = false, finds_capacity = false;
  std::uint64_t first_seed = 1, seeds = 3;
  double rate = 1;
  std::vector<std::string> scenarios, routers;
};

FirstTokens mean_of(const InferenceScenario& scenario, std::string_view router,
                    const Options& options) {
  const PlayLength length = options.is_quick ? PlayLength{60, 120} : PlayLength{120, 400};
  FirstTokens sum;
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    const FirstTokens one =
        play(scenario, router, length, options.first_seed + i, options.says_usage);
    sum.calls += one.calls;
    for (const auto field : {&FirstTokens::mean, &FirstTokens::p50, &FirstTokens::p90,
                             &FirstTokens::p99, &FirstTokens::cached}) {
      sum.*field += one.*field / double(options.seeds);
    }
  }
  return sum;
}

bool is_chosen(const Options& options, std::string_view scenario) {
  return options.scenarios.empty() || std::find(options.scenarios.begin(), options.scenarios.end(),
                                                scenario) != options.scenarios.end();
}

FirstTokens show(const InferenceScenario& scenario, const std::string& router,
                 const Options& options) {
  const FirstTokens f = mean_of(scenario, router, options);
  std::printf("%-16s %-14s mean %8.4f p50 %7.4f p90 %8.4f p99 %8.4f cached %.2f  n %zu\n",
              scenario.name.c_str(), router.c_str(), f.mean, f.p50, f.p90, f.p99, f.cached,
              f.calls);
  std::fflush(stdout);
  return f;
}

// False when it is more.
bool keeps(std::string_view what, double ratio, double limit) {
  if (ratio <= limit) return true;
  std::printf("  %s: %.3f, more than %.3f\n", std::string(what).c_str(), ratio, limit);
  return false;
}

// REQUIRES: `all` has "inference" first.
bool keeps_limits(const Limits& limits,
                  const std::vector<std::pair<std::string, FirstTokens>>& all) {
  const FirstTokens& own = all.front().second;
  bool good = true;
  for (const auto& [name, other] : all) {
    if (&other == &own) continue;
    good &= keeps("mean, of " + name + "'s", own.mean / other.mean, limits.mean);
    good &= keeps("p99, of " + name + "'s", own.p99 / other.p99, limits.p99);
    if (name != "least_conn") continue;
    good &= keeps("mean, of least_conn's", own.mean / other.mean, limits.of_least_conn_mean);
    good &= keeps("p90, of least_conn's", own.p90 / other.p90, limits.of_least_conn_p90);
  }
  return good;
}

bool run(const Options& options) {
  bool good = true;
  for (InferenceScenario scenario : inference_scenarios()) {
    if (!is_chosen(options, scenario.name)) continue;
    scenario.rate *= options.rate;
    std::vector<std::pair<std::string, FirstTokens>> all;
    for (const std::string& router : options.routers) {
      all.emplace_back(router, show(scenario, router, options));
    }
    if (!options.has_gates) continue;
    const auto* limits = std::find_if(std::begin(kLimits), std::end(kLimits),
                                      [&](const Limits& l) { return l.scenario == scenario.name; });
    good &= limits != std::end(kLimits) && keeps_limits(*limits, all);
  }
  return good;
}

// Sessions a second, by traffic and router, and how that compares with least_conn's.
void show_capacities(const Options& options) {
  for (InferenceScenario scenario : inference_scenarios()) {
    constexpr std::string_view kOfEachTalk[] = {"chat-9", "hot-20", "rag-8", "unshared-24"};
    if (std::ranges::find(kOfEachTalk, scenario.name) == std::end(kOfEachTalk)) continue;
    if (!is_chosen(options, scenario.name)) continue;
    const auto of = [&](std::string_view router) {
      return capacity(scenario.rate, [&](double rate) {
        scenario.rate = rate;
        return mean_of(scenario, router, options).p90;
      });
    };
    const double usual = of("least_conn");
    for (const std::string& router : options.routers) {
      const double own = router == "least_conn" ? usual : of(router);
      std::printf("%-16s %-14s %6.2f sessions/s with p90 <= 1 s, %.2f of least_conn's\n",
                  scenario.name.c_str(), router.c_str(), own, own / usual);
      std::fflush(stdout);
    }
  }
}

}  // namespace
}  // namespace leastwise::sim

int main(int argc, char** argv) {
  using namespace leastwise::sim;
  CLI::App app{"Model servers behind a balancer, simulated"};
  Options options;
  CLI::Option* quick =
      app.add_flag("--quick", options.is_quick, "two minutes of traffic in place of seven");
  app.add_flag("--gates", options.has_gates, "1 when a limit is not kept (limits.h)")->needs(quick);
  app.add_flag("--usage", options.says_usage, "servers say how much of a prompt they had cached");
  app.add_flag("--capacity", options.finds_capacity, "sessions a second with p90 <= 1 s");
  app.add_option("--seeds", options.seeds, "how many")->check(CLI::Range(1, 100));
  app.add_option("--first-seed", options.first_seed, "and those after it");
  app.add_option("--rate", options.rate, "times the sessions a second");
  app.add_option("--only", options.scenarios, "these scenarios");
  app.add_option("--router", options.routers, "these routers");
  CLI11_PARSE(app, argc, argv);
  if (options.routers.empty()) {
    options.routers.emplace_back("inference");
    for (const auto r : rivals()) options.routers.emplace_back(r);
  }
  if (options.finds_capacity) {
    show_capacities(options);
    return 0;
  }
  return run(options) ? 0 : 1;
}
