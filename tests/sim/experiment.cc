#include "experiment.h"

#include <algorithm>

namespace leastwise::sim {

namespace {

double remote_share(const Scenario& scenario, const std::vector<std::uint64_t>& picks) {
  double all = 0;
  double remote = 0;
  for (std::size_t i = 0; i < picks.size(); ++i) {
    const auto n = static_cast<double>(picks[i]);
    all += n;
    if (scenario.remote[i % scenario.remote.size()] != 0) remote += n;
  }
  return all > 0 ? remote / all : 0;
}

// The fastest, and who is about as fast: equal shares are expected of these only.
bool is_fast(const Scenario& scenario, std::size_t i) {
  constexpr double kAlike = 1.5;
  const std::vector<double>& speeds = scenario.speeds;
  return speeds.empty() || speeds[i % speeds.size()] * kAlike >= std::ranges::max(speeds);
}

void spread_of(const Scenario& scenario, const std::vector<std::vector<std::uint64_t>>& windows,
               Figures& figures) {
  const auto weight = [&](std::size_t i) {
    return is_fast(scenario, i) ? scenario.weights[i % scenario.weights.size()] : 0;
  };
  double weights = 0;
  for (std::size_t i = 0; i < scenario.servers; ++i) weights += weight(i);
  for (const auto& picks : windows) {
    double all = 0;
    for (std::size_t i = 0; i < picks.size(); ++i) {
      if (weight(i) > 0) all += static_cast<double>(picks[i]);
    }
    if (!(all > 0)) continue;
    for (std::size_t i = 0; i < picks.size(); ++i) {
      if (!(weight(i) > 0)) continue;
      const double share = static_cast<double>(picks[i]) / (all * weight(i) / weights);
      figures.least_share = std::min(figures.least_share, share);
      figures.most_share = std::max(figures.most_share, share);
    }
  }
}

}  // namespace

Figures figures_of(const Scenario& scenario, const Result& result) {
  Figures figures{.mean = result.all.mean(),
                  .p50 = result.all.quantile(0.5),
                  .p99 = result.all.quantile(0.99),
                  .p999 = result.all.quantile(0.999),
                  .error_share = result.error_share(),
                  .requests = result.requests,
                  .remote_share = remote_share(scenario, result.picks),
                  .start_peak = result.start_peak,
                  .return_peak = result.return_peak};
  spread_of(scenario, result.windows, figures);
  return figures;
}

Figures average(std::span<const Figures> of) {
  Figures sum;
  const auto n = static_cast<double>(of.size());
  for (const Figures& f : of) {
    sum.mean += f.mean / n;
    sum.p50 += f.p50 / n;
    sum.p99 += f.p99 / n;
    sum.p999 += f.p999 / n;
    sum.error_share += f.error_share / n;
    sum.remote_share += f.remote_share / n;
    sum.requests += f.requests;
    sum.least_share = std::min(sum.least_share, f.least_share);
    sum.most_share = std::max(sum.most_share, f.most_share);
    sum.start_peak = std::max(sum.start_peak, f.start_peak);
    sum.return_peak = std::max(sum.return_peak, f.return_peak);
  }
  return sum;
}

Row measure(const Scenario& scenario, const NamedPolicy& policy, std::uint64_t first_seed,
            std::uint32_t seeds) {
  Row row;
  row.scenario = scenario.name;
  row.policy = policy.name;
  for (std::uint32_t i = 0; i < seeds; ++i) {
    Scenario seeded = scenario;
    seeded.seed = first_seed + i;
    Result result = Engine(seeded).run(policy.make);
    row.seeds.push_back(seeded.seed);
    row.by_seed.push_back(figures_of(seeded, result));
    row.routes = std::move(result.routes);
    row.picks = std::move(result.picks);
  }
  row.figures = average(row.by_seed);
  return row;
}

Ratios ratios(const Row& row, const Row& reference) {
  const Figures& a = row.figures;
  const Figures& b = reference.figures;
  return {a.mean / b.mean, a.p99 / b.p99, a.p999 / b.p999};
}

}  // namespace leastwise::sim
