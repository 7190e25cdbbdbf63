// Histogram: where answer times fall, four buckets to a factor of two.
//
// Fixed log-linear buckets as in HdrHistogram with two bits of precision, so that
// counts can be added up over processes, pools and time. A quantile read from it is
// at most 12.5 % off.
#ifndef LEASTWISE_HISTOGRAM_H_
#define LEASTWISE_HISTOGRAM_H_

#include <cstddef>

#include "leastwise/clock.h"

namespace leastwise {

struct Histogram {
  static constexpr std::size_t kBuckets = 104;  // 16 µs … 9 minutes, and what is beyond

  // Pure functions of the bucket. O(1).
  static std::size_t bucket(Duration time) noexcept;
  static Duration upper_bound(std::size_t bucket) noexcept;  // exclusive
};

}  // namespace leastwise

#endif  // LEASTWISE_HISTOGRAM_H_
