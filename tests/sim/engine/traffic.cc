#include "engine/traffic.h"

#include <algorithm>
#include <cmath>

namespace leastwise::sim {
namespace {

constexpr double kMostMeans = 200;     // of a Pareto size
constexpr double kPrefillShare = 0.6;  // of a prompt's work, the rest is decoding

double draw_size(const Route& route, Random& random) {
  switch (route.size) {
    case Size::kExponential:
      return random.exponential(route.mean_ms);
    case Size::kFixed:
      return route.mean_ms;
    case Size::kLognormal: {
      const double sigma = route.shape;
      return route.mean_ms * std::exp(sigma * random.normal() - sigma * sigma / 2);
    }
    case Size::kPareto: {
      const double least = route.mean_ms * (route.shape - 1) / route.shape;
      const double size = least * std::pow(random.uniform(), -1 / route.shape);
      return std::min(size, kMostMeans * route.mean_ms);
    }
    case Size::kBimodal:
      return route.mean_ms * (random.uniform() < 0.9 ? 0.5 : 5.5);
  }
  return route.mean_ms;
}

double total_share(const Scenario& scenario) {
  double total = 0;
  for (const Route& route : scenario.routes) total += route.share;
  return total;
}

// Antagonists take this share of the capacity.
double lost_share(const Antagonists& a) {
  if (a.on_ms <= 0) return 0;
  return a.on_ms / (a.on_ms + a.off_ms) * (1 - 0.5 * (a.low + a.high));
}

}  // namespace

double mean_service_ms(const Scenario& scenario) {
  const double total = total_share(scenario);
  double mean = 0;
  for (const Route& route : scenario.routes) {
    if (route.idle == 0) mean += route.share / total * route.mean_ms;
  }
  return mean;
}

Traffic::Traffic(const Scenario& scenario, double capacity)
    : scenario_(scenario),
      times_(scenario.seed * 1000 + 1),
      sizes_(scenario.seed * 1000 + 2),
      per_ms_(scenario.load * capacity * (1 - lost_share(scenario.antagonists)) /
              mean_service_ms(scenario)) {
  double sum = 0;
  for (const Route& route : scenario.routes) cumulative_.push_back(sum += route.share);
  const double total = total_share(scenario);
  for (double& c : cumulative_) c /= total;
}

std::optional<double> Traffic::next(double now) {
  if (!scenario_.trace) return now + times_.exponential(1 / (per_ms_ * factor_));
  if (timed_ == scenario_.trace->size()) return {};
  return (*scenario_.trace)[timed_++].at_ms;
}

Traffic::Arrival Traffic::draw() {
  Arrival a;
  if (scenario_.trace) {
    const TraceEntry& entry = (*scenario_.trace)[drawn_++];
    a.route = entry.route;
    a.size = entry.service_ms;
  } else {
    const double u = sizes_.uniform();
    while (a.route + 1 < cumulative_.size() && u > cumulative_[a.route]) ++a.route;
    a.size = draw_size(scenario_.routes[a.route], sizes_);
  }
  if (scenario_.balancers > 1) a.balancer = sizes_.below(scenario_.balancers);
  if (scenario_.prefixes.groups > 0) draw_prefix(a);
  return a;
}

// Few groups are popular; each has its own length of prompt.
void Traffic::draw_prefix(Arrival& a) {
  const double u = sizes_.uniform();
  a.prefix = static_cast<std::uint32_t>(u * u * scenario_.prefixes.groups);
  const double mean = scenario_.routes[a.route].mean_ms;
  const double length = (a.prefix * 2654435761U >> 16 & 255U) / 255.0 - 0.5;
  a.prefill = mean * kPrefillShare * std::exp(0.5 * length);
  a.size = draw_size({1, mean * (1 - kPrefillShare), Size::kLognormal, 0.6}, sizes_);
}

}  // namespace leastwise::sim
