// Outliers: endpoints that do so much worse than the rest of their pool that they are left out for
// a while. For policies that do not see failures and slowness themselves, and for servers so
// broken that a price on their score is not enough.
//
// Always relative to the pool's median, never absolute: when all servers are slow, or all fail,
// none is an outlier (a backend they share is to blame, and leaving some out makes it worse).
// Names and rules are Envoy's, but for the latency multiple, which Envoy has not:
//   consecutive   5 failures in a row, where the median endpoint has none
//   failures      a share of failures 0.3 above the median's
//   latency       4 times the median's slowness, on enough answers
// The ejection lasts `outlier_time`, twice as long each time it follows soon, 5 minutes at most;
// then the endpoint comes back unknown. At most `outlier_max` of the pool are out at once, though
// one may always be, and never the last.
#ifndef LEASTWISE_SRC_GUARD_OUTLIER_H_
#define LEASTWISE_SRC_GUARD_OUTLIER_H_

#include "leastwise/config.h"
#include "memory/state.h"

namespace leastwise::state {

// Ends ejections that are over, and makes new ones. By the holder of the tick. O(n log n) with a
// bound of Median::kMost on the endpoints that the medians are of; allocates nothing.
void watch_outliers(const Shared& shared, const Config& config, TimePoint now) noexcept;

// Whoever is left out comes back, and starts unknown.
void end_ejection(const Shared& shared, std::size_t i) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_OUTLIER_H_
