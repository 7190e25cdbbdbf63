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
  // 0 of none; of two, the greater. O(count).
  float get() noexcept { return nth(count_ / 2); }
  // Of two, the lesser: what one of them is compared with the other by.
  float lower() noexcept { return nth(count_ == 0 ? 0 : (count_ - 1) / 2); }

 private:
  float nth(std::size_t n) noexcept {
    if (count_ == 0) return 0;
    auto* at = values_.data() + n;
    std::nth_element(values_.data(), at, values_.data() + count_);
    return *at;
  }

  std::array<float, kMost> values_;
  std::size_t count_ = 0;
};

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_MEDIAN_H_
