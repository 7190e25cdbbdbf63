#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "engine/random.h"
#include "engine/traffic.h"
#include "scenarios/catalogue.h"

namespace leastwise::sim {
namespace {

constexpr double kMostMs = 60000;

template <typename T, std::size_t kSize>
T one_of(Random& random, const std::array<T, kSize>& values) {
  return values[random.below(kSize)];
}

std::vector<Route> draw_routes(Random& random) {
  switch (random.below(5)) {
    case 0:
      return {{1, 10, Size::kExponential, 0}};
    case 1:
      return {{.40, 1, Size::kLognormal, .5},
              {.30, 5, Size::kLognormal, .5},
              {.20, 20, Size::kLognormal, .5},
              {.08, 60, Size::kLognormal, .5},
              {.02, 200, Size::kLognormal, .5}};
    case 2:
      return {{1, 10, Size::kBimodal, 0}};
    case 3:
      return {{1, 10, Size::kPareto, 1.5}};
    default:
      return {{.6, 2, Size::kLognormal, 1},
              {.3, 10, Size::kLognormal, 1},
              {.1, 80, Size::kLognormal, 1}};
  }
}

void set_length(Scenario& s, double requests) {
  const double mean = mean_service_ms(s);
  const double capacity = s.servers * s.cores[0] * std::sqrt(s.speed_spread);
  const double per_ms = s.load * capacity / mean;
  s.duration_ms = std::min(std::max(requests / per_ms * 1.2, 300 * mean), kMostMs);
  s.warmup_ms = s.duration_ms * 0.2;
  s.timeout_ms = std::max(2000.0, s.duration_ms / 3);
}

// One trouble at most, and never so much load that it could not be borne.
const char* draw_trouble(Scenario& s, Random& random) {
  const double d = s.duration_ms;
  const double without_one = 0.8 * (s.servers - 1.5) / s.servers;
  switch (random.below(7)) {
    case 1:
      s.antagonists = {d / 10, d / 5, 0.3, 0.7};
      if (s.load > 0.9) s.load = 0.85;
      return " antagonists";
    case 2:
      s.grey = {1, 0.1, d * 0.4, d * 0.7};
      s.load = std::min(s.load, without_one);
      return " grey";
    case 3:
      s.restarts = {2, d / 30, d / 4, 0.2};
      s.load = std::min(s.load, without_one);
      return " restarts";
    case 4:
      s.arrivals = Arrivals::kBursts;
      s.load = std::min(s.load, 0.7);
      return " bursts";
    case 5:
      s.arrivals = Arrivals::kFlash;
      s.load = std::min(s.load, 0.5);
      return " flash";
    case 6:
      s.rtt_ms = {0.5, 2, 20};
      return " zones";
    default:
      return "";
  }
}

}  // namespace

Scenario random_scenario(std::uint64_t seed, double requests) {
  Random random(seed * 31 + 7);
  Scenario s;
  s.seed = seed;
  s.servers = one_of<std::uint32_t>(random, std::array{3U, 4U, 6U, 8U, 10U, 12U, 16U, 24U});
  s.cores = {one_of(random, std::array{1U, 2U, 4U, 8U})};
  if (random.below(2) == 1) s.discipline = Discipline::kSharing;
  s.speed_spread = one_of(random, std::array{1.0, 1.5, 2.0, 4.0});
  s.load = one_of(random, std::array{0.4, 0.6, 0.75, 0.85, 0.93});
  s.routes = draw_routes(random);
  s.balancers = one_of(random, std::array{1U, 1U, 1U, 2U, 4U});
  set_length(s, requests);
  const char* trouble = draw_trouble(s, random);

  std::array<char, 128> name{};
  std::snprintf(name.data(), name.size(),
                "random-%ju %ux%u %s spread %g load %.2f routes %zu/%d LB %u%s",
                static_cast<std::uintmax_t>(seed), s.servers, s.cores[0],
                s.discipline == Discipline::kSharing ? "ps" : "fcfs", s.speed_spread, s.load,
                s.routes.size(), static_cast<int>(s.routes[0].size), s.balancers, trouble);
  s.name = name.data();
  return s;
}

}  // namespace leastwise::sim
