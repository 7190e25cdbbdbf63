#include "theory.h"

#include "engine/engine.h"
#include "policies/policy_list.h"

namespace leastwise::sim {
namespace {

constexpr double kLoad = 0.7;
constexpr double kServiceMs = 10;

Scenario one_server(std::uint32_t cores, double duration_ms) {
  Scenario s;
  s.servers = 1;
  s.cores = {cores};
  s.rtt_ms = {0};
  s.load = kLoad;
  s.duration_ms = duration_ms;
  s.warmup_ms = 1000;
  s.timeout_ms = 1e9;
  return s;
}

// The probability that all c are busy (Erlang C).
double probability_of_waiting(std::uint32_t c, double load) {
  const double offered = c * load;
  double term = 1;
  double sum = 0;
  for (std::uint32_t k = 0; k < c; ++k) {
    sum += term;
    term *= offered / (k + 1);
  }
  const double all_busy = term / (1 - load);
  return all_busy / (sum + all_busy);
}

}  // namespace

std::vector<Theory> theories() {
  const double alone = kServiceMs / (1 - kLoad);
  const double waiting = probability_of_waiting(4, kLoad) * kServiceMs / (4 * (1 - kLoad));
  Theory sharing{"M/G/1-PS", one_server(1, 1e7), alone};
  sharing.scenario.discipline = Discipline::kSharing;
  sharing.scenario.routes = {{1, kServiceMs, Size::kLognormal, 1}};
  return {{"M/M/1", one_server(1, 1e7), alone},
          {"M/M/4", one_server(4, 3e6), kServiceMs + waiting},
          sharing};
}

Proof prove(const Theory& theory) {
  const NamedPolicy& policy = policy_named(kReference);
  const Result result = Engine(theory.scenario).run(policy.make);
  return {result.all.mean(), theory.mean_ms};
}

}  // namespace leastwise::sim
