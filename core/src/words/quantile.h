// Quantile: which time a share of the answers stays below, from counts in Histogram's buckets.
#ifndef LEASTWISE_SRC_WORDS_QUANTILE_H_
#define LEASTWISE_SRC_WORDS_QUANTILE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/histogram.h"

namespace leastwise {

using BucketCounts = std::array<std::uint32_t, Histogram::kBuckets>;

// In seconds, as if the answers of a bucket were spread evenly over it; 0 without any. O(buckets).
inline float quantile(const BucketCounts& counts, float share) noexcept {
  std::uint64_t all = 0;
  for (const std::uint32_t c : counts) all += c;
  if (all == 0) return 0;
  const double wanted = double{share} * static_cast<double>(all);
  double below = 0;
  double from = 0;
  for (std::size_t b = 0; b < counts.size(); ++b) {
    const double to = double{seconds(Histogram::upper_bound(b))};
    const double here = counts[b];
    if (here > 0 && below + here >= wanted) {
      return static_cast<float>(from + (to - from) * (wanted - below) / here);
    }
    below += here;
    from = to;
  }
  return static_cast<float>(from);
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_QUANTILE_H_
