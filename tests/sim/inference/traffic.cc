#include "sim/inference/traffic.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "leastwise/rng.h"

namespace leastwise::sim {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : rng_(mix(seed, 77)) {}
  double uniform() { return (double(rng_.next() >> 11) + 0.5) * 0x1p-53; }
  double exponential(double mean) { return -mean * std::log(uniform()); }
  double lognormal(double mean, double sigma) {
    const double z =
        std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform());
    return mean * std::exp(sigma * z - sigma * sigma / 2);
  }
  std::uint32_t tokens(double mean, double sigma, double most) {
    return static_cast<std::uint32_t>(std::clamp(lognormal(mean, sigma), 8.0, most));
  }
  // The first are the most frequent, by a power law.
  std::size_t zipf(std::size_t n, double power) {
    if (sums_.size() != n) {
      sums_.clear();
      double sum = 0;
      for (std::size_t i = 1; i <= n; ++i) sums_.push_back(sum += std::pow(i, -power));
    }
    const double at = uniform() * sums_.back();
    return static_cast<std::size_t>(std::lower_bound(sums_.begin(), sums_.end(), at) -
                                    sums_.begin());
  }

 private:
  Rng rng_;
  std::vector<double> sums_;
};

// The length of a shared piece follows from which it is.
std::uint32_t fixed_bytes(std::uint64_t id, double mean, double sigma) {
  return Random(id).tokens(mean, sigma, 5 * mean) * kTokenBytes;
}

Session begin(const InferenceScenario& scenario, Random& random) {
  Session s{};
  const auto add = [&](std::uint64_t kind, std::size_t which, double mean) {
    const std::uint64_t id = mix(kind, which);
    s.text.add({id, fixed_bytes(id, mean, 0.4)});
  };
  std::size_t turns = 1;
  double asked = 100, answered = 150;
  switch (scenario.talk) {
    case Talk::kChat:
      add(1, random.zipf(20, 1), 1200);
      asked = 250;
      while (turns < 40 && random.uniform() > 1.0 / 6) ++turns;
      answered = 300;
      break;
    case Talk::kHot:
      add(2, random.zipf(100, 0.9), 6000);
      break;
    case Talk::kRag:
      add(3, 0, 300);
      for (int i = 0; i < 4; ++i) add(4, random.zipf(2000, 1), 1800);
      break;
    case Talk::kUnshared:
      asked = 2700;
      break;
  }
  const double spread = scenario.talk == Talk::kUnshared ? 1 : 0.8;
  for (std::size_t t = 0; t < turns; ++t) {
    s.turns.push_back({random.tokens(asked, spread, 12000) * kTokenBytes,
                       random.tokens(answered, 0.7, 1500), random.exponential(20)});
  }
  return s;
}

}  // namespace

const std::vector<InferenceScenario>& inference_scenarios() {
  static const std::vector<InferenceScenario> all = {
      {.name = "chat-6", .talk = Talk::kChat, .rate = 6},
      {.name = "chat-9", .talk = Talk::kChat, .rate = 9},
      {.name = "chat-full", .talk = Talk::kChat, .rate = 14.5},
      {.name = "hot-10", .talk = Talk::kHot, .rate = 10},
      {.name = "hot-20", .talk = Talk::kHot, .rate = 20},
      {.name = "hot-36", .talk = Talk::kHot, .rate = 36},
      {.name = "rag-8", .talk = Talk::kRag, .rate = 8},
      {.name = "rag-full", .talk = Talk::kRag, .rate = 11},
      {.name = "unshared-14", .talk = Talk::kUnshared, .rate = 14},
      {.name = "unshared-24", .talk = Talk::kUnshared, .rate = 24},
      {.name = "chat-uneven", .talk = Talk::kChat, .rate = 8, .slow_servers = 2, .slow = 2.5},
      {.name = "unshared-uneven",
       .talk = Talk::kUnshared,
       .rate = 15,
       .slow_servers = 2,
       .slow = 2.5},
      {.name = "chat-grey", .talk = Talk::kChat, .rate = 8, .grey = true},
  };
  return all;
}

std::vector<Session> make_traffic(const InferenceScenario& scenario, double until,
                                  std::uint64_t seed) {
  Random random(seed);
  std::vector<Session> sessions;
  for (double at = random.exponential(1 / scenario.rate); at < until;
       at += random.exponential(1 / scenario.rate)) {
    sessions.push_back(begin(scenario, random));
    sessions.back().at = at;
  }
  return sessions;
}

}  // namespace leastwise::sim
