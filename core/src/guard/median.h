// Median: of a sample of the pool's values, on the stack.
#ifndef LEASTWISE_SRC_GUARD_MEDIAN_H_
#define LEASTWISE_SRC_GUARD_MEDIAN_H_

#include <algorithm>
#include <array>
#include <cstddef>

namespace leastwise::state {

class Median {
 public:
  static constexpr std::size_t kMost = 256;  // values; of a larger pool, a part is looked at

  void add(float value) noexcept {
    if (count_ < kMost) values_[count_++] = value;
  }
  // 0 of none. O(count).
  float get() noexcept {
    if (count_ == 0) return 0;
    auto* middle = values_.data() + count_ / 2;
    std::nth_element(values_.data(), middle, values_.data() + count_);
    return *middle;
  }

 private:
  std::array<float, kMost> values_;
  std::size_t count_ = 0;
};

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_MEDIAN_H_
