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
  std::sort(summary.sorted.begin(), summary.sorted.end());
  double sum = 0;
  for (const Duration latency : summary.sorted) sum += to_ms(latency);
  if (!summary.sorted.empty()) summary.mean_ms = sum / static_cast<double>(summary.sorted.size());
  return summary;
}

}  // namespace leastwise::bench
