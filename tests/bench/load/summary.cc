#include "bench/load/summary.h"

#include <algorithm>
#include <cmath>

namespace leastwise::bench {
namespace {

void count(Summary& summary, const Sample& sample) {
  ++summary.requests;
  if (sample.server != kUnknownServer) ++summary.servers[sample.server];
  switch (sample.outcome) {
    case Outcome::kAnswered:
      ++summary.statuses[sample.status];
      if (sample.status >= 500) ++summary.status_5xx;
      break;
    case Outcome::kTimeout:
      ++summary.timeouts;
      break;
    case Outcome::kAborted:
      ++summary.aborted;
      return;
    default:
      ++summary.connection_errors;
      ++summary.errors[sample.outcome];
  }
  summary.sorted.push_back(sample.latency);
  summary.sorted_first.push_back(sample.first);
}

// Of what it has sorted.
double sort_and_average(std::vector<Duration>& values) {
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const Duration value : values) sum += to_ms(value);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

}  // namespace

Duration percentile(std::span<const Duration> sorted, double share) noexcept {
  if (sorted.empty()) return Duration::zero();
  // Less a trifle, or rounding would turn 0.99 of 100 into rank 100.
  const double rank = std::ceil(share * static_cast<double>(sorted.size()) - 1e-9);
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return sorted[std::min(index, sorted.size() - 1)];
}

Summary summarise(std::span<const Sample> samples,
                  const std::function<bool(const Sample&)>& belongs) {
  Summary summary;
  for (const Sample& sample : samples) {
    if (belongs(sample)) count(summary, sample);
  }
  summary.mean_ms = sort_and_average(summary.sorted);
  summary.first_mean_ms = sort_and_average(summary.sorted_first);
  return summary;
}

}  // namespace leastwise::bench
