// Samples boiled down: counts, and exact percentiles (nearest rank, all samples kept).
//
// Latencies are those of all requests that we did not abort ourselves, failed ones included: a
// timeout counts as long as it took. `failed` = connection errors + timeouts + status >= 500.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_SUMMARY_H_
#define LEASTWISE_TESTS_BENCH_LOAD_SUMMARY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "bench/common/time.h"
#include "bench/load/request.h"

namespace leastwise::bench {

struct Summary {
  std::uint64_t requests = 0;
  std::uint64_t aborted = 0;
  std::uint64_t connection_errors = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t status_5xx = 0;
  std::map<Outcome, std::uint64_t> errors;  // the kinds of connection errors
  std::map<int, std::uint64_t> statuses;
  std::map<std::uint32_t, std::uint64_t> servers;
  double mean_ms = 0;
  double first_mean_ms = 0;
  std::vector<Duration> sorted;        // latencies, ascending
  std::vector<Duration> sorted_first;  // times to the first byte of the body, ascending

  std::uint64_t failed() const noexcept { return connection_errors + timeouts + status_5xx; }
};

// The smallest value that at least `share` of `sorted` do not exceed; 0 of nothing.
// REQUIRES: ascending, 0 <= share <= 1.
Duration percentile(std::span<const Duration> sorted, double share) noexcept;

// Of those samples that `belongs` accepts.
Summary summarise(std::span<const Sample> samples,
                  const std::function<bool(const Sample&)>& belongs);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_SUMMARY_H_
