#include "leastwise/histogram.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace leastwise {
namespace {

constexpr unsigned kPrecision = 2;  // bits: four buckets to a factor of two
constexpr std::uint64_t kSteps = 1U << kPrecision;
constexpr unsigned kUnit = 2;  // bits: the first buckets are 4 µs wide

}  // namespace

std::size_t Histogram::bucket(Duration time) noexcept {
  const std::uint64_t units =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count())) >> kUnit;
  if (units < kSteps) return static_cast<std::size_t>(units);
  const auto octave = static_cast<unsigned>(std::bit_width(units)) - 1 - kPrecision;
  const std::uint64_t step = (units >> octave) - kSteps;
  return std::min<std::size_t>(kBuckets - 1, (octave + 1) * kSteps + step);
}

Duration Histogram::upper_bound(std::size_t bucket) noexcept {
  const std::uint64_t octave = bucket / kSteps;
  const std::uint64_t step = bucket % kSteps;
  const std::uint64_t units = octave == 0 ? step + 1 : (kSteps + step + 1) << (octave - 1);
  return Duration{static_cast<std::int64_t>(units << kUnit)};
}

}  // namespace leastwise
