// Latencies: a histogram with a resolution of 1 %, and the exact mean. Milliseconds.
#ifndef LEASTWISE_TESTS_SIM_ENGINE_LATENCIES_H_
#define LEASTWISE_TESTS_SIM_ENGINE_LATENCIES_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace leastwise::sim {

class Latencies {
 public:
  void add(double ms) {
    sum_ += ms;
    ++count_;
    const auto bucket = static_cast<std::size_t>(std::log(std::max(ms, kLeast) / kLeast) * kPerE);
    ++buckets_[std::min(bucket, kBuckets - 1)];
  }
  std::uint64_t count() const { return count_; }
  double mean() const { return count_ > 0 ? sum_ / static_cast<double>(count_) : 0; }
  double quantile(double p) const {
    const auto rank = static_cast<std::uint64_t>(p * static_cast<double>(count_));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      below += buckets_[i];
      if (below > rank) return kLeast * std::exp((static_cast<double>(i) + 0.5) / kPerE);
    }
    return 0;
  }

 private:
  static constexpr double kLeast = 0.01;
  static constexpr double kPerE = 100;  // buckets per factor of e
  static constexpr std::size_t kBuckets = 4000;

  std::array<std::uint32_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_LATENCIES_H_
