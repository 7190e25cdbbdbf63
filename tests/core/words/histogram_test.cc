#include "leastwise/histogram.h"

#include <gtest/gtest.h>

namespace leastwise {
namespace {

TEST(HistogramTest, EveryTimeLiesBelowTheUpperBoundOfItsBucketAndNotBelowTheOneBefore) {
  for (std::int64_t us = 0; us < 400'000'000; us += 1 + us / 50) {
    const std::size_t b = Histogram::bucket(Duration(us));
    ASSERT_LT(b, Histogram::kBuckets);
    EXPECT_LT(us, Histogram::upper_bound(b).count());
    if (b > 0) {
      EXPECT_GE(us, Histogram::upper_bound(b - 1).count());
    }
  }
}

TEST(HistogramTest, BucketsAreAtMostAQuarterWide) {
  // From 16 µs on: four to a factor of two, so the widest is 5/4 of its lower bound.
  for (std::size_t b = 4; b + 1 < Histogram::kBuckets; ++b) {
    const double ratio = static_cast<double>(Histogram::upper_bound(b).count()) /
                         static_cast<double>(Histogram::upper_bound(b - 1).count());
    EXPECT_LE(ratio, 1.2501);
  }
}

TEST(HistogramTest, WhatIsOutOfRangeFallsIntoTheEndBuckets) {
  EXPECT_EQ(Histogram::bucket(Duration(-5)), 0U);
  EXPECT_EQ(Histogram::bucket(Duration(INT64_MAX)), Histogram::kBuckets - 1);
}

}  // namespace
}  // namespace leastwise
