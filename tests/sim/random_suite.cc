#include "random_suite.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <map>

#include "report/report.h"
#include "scenarios/catalogue.h"

namespace leastwise::sim {
namespace {

struct Sums {
  double mean = 0, p99 = 0, p999 = 0, errors = 0, count = 0;
};

void add(const Row& row, const Ratios& r, Summary& summary, Sums& sums) {
  sums.mean += std::log(r.mean);
  sums.p99 += std::log(r.p99);
  sums.p999 += std::log(r.p999);
  sums.errors += row.figures.error_share;
  sums.count += 1;
  if (r.mean > summary.worst.mean) summary.worst_mean_in = row.scenario;
  if (r.p99 > summary.worst.p99) summary.worst_p99_in = row.scenario;
  summary.worst.mean = std::max(summary.worst.mean, r.mean);
  summary.worst.p99 = std::max(summary.worst.p99, r.p99);
  summary.worst.p999 = std::max(summary.worst.p999, r.p999);
}

}  // namespace

std::vector<Row> measure_random(std::span<const std::string> policies, const RandomSuite& suite,
                                std::ostream& progress, std::string_view reference) {
  std::vector<std::string> names{std::string(reference)};
  for (const std::string& p : policies) {
    if (p != reference) names.push_back(p);
  }
  std::vector<Row> rows;
  for (std::uint32_t i = 0; i < suite.scenarios; ++i) {
    Scenario scenario = random_scenario(suite.first_seed + i, suite.requests);
    if (!suite.balancers.empty()) {
      scenario.balancers = suite.balancers[i % suite.balancers.size()];
      scenario.name += " of " + std::to_string(scenario.balancers) + " LB";
    }
    scenario.share_late_ms = suite.share_late_ms;
    scenario.liars = suite.liars;
    for (const std::string& name : names) {
      rows.push_back(measure(scenario, policy_named(name), scenario.seed, suite.seeds));
    }
    progress << '.' << std::flush;
  }
  progress << '\n';
  return rows;
}

std::vector<Summary> summarise(std::span<const Row> rows, std::string_view reference) {
  std::vector<Summary> summaries;
  std::map<std::string, std::size_t> at;
  std::vector<Sums> sums;
  const Row* base = nullptr;
  for (const Row& row : rows) {
    if (row.policy == reference) base = &row;
    if (base == nullptr || base->scenario != row.scenario)
      base = reference_of(row, rows, reference);
    if (base == nullptr) continue;
    const auto [place, fresh] = at.try_emplace(row.policy, summaries.size());
    if (fresh) {
      summaries.push_back({.policy = row.policy,
                           .geometric_mean = {},
                           .worst = {0, 0, 0},
                           .worst_mean_in = {},
                           .worst_p99_in = {}});
      sums.emplace_back();
    }
    add(row, ratios(row, *base), summaries[place->second], sums[place->second]);
  }
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    const Sums& s = sums[i];
    summaries[i].geometric_mean = {std::exp(s.mean / s.count), std::exp(s.p99 / s.count),
                                   std::exp(s.p999 / s.count)};
    summaries[i].error_share = s.errors / s.count;
  }
  return summaries;
}

void write_summaries(std::span<const Summary> summaries, std::ostream& out) {
  out << std::left << std::setw(20) << "policy" << std::right << std::setw(9) << "mean"
      << std::setw(8) << "p99" << std::setw(8) << "p99.9" << std::setw(12) << "worst mean"
      << std::setw(11) << "worst p99" << std::setw(10) << "errors"
      << "\n";
  for (const Summary& s : summaries) {
    out << std::left << std::setw(20) << s.policy << std::right << std::fixed
        << std::setprecision(3) << std::setw(9) << s.geometric_mean.mean << std::setw(8)
        << s.geometric_mean.p99 << std::setw(8) << s.geometric_mean.p999 << std::setw(12)
        << s.worst.mean << std::setw(11) << s.worst.p99 << std::setprecision(5) << std::setw(10)
        << s.error_share << "   " << s.worst_mean_in << " | " << s.worst_p99_in << '\n';
  }
}

}  // namespace leastwise::sim
