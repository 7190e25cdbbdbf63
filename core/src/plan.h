// Plan: what the slow half tells the picks. Immutable once published.
#ifndef LEASTWISE_SRC_PLAN_H_
#define LEASTWISE_SRC_PLAN_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "cell.h"

namespace leastwise {

struct Plan {
  static constexpr std::size_t kTable = 256;

  Cell<std::uint32_t> learned;                       // 0: choose as least_conn does
  Cell<float> mean_cost;                             // x̄, seconds; 0 = nothing is known
  Cell<float> mean_predicted;                        // mean of p, seconds
  Cell<float> slowness;                              // G
  Cell<float> sharing;                               // ψ
  Cell<float> price;                                 // η
  Cell<float> mean_wait;                             // w̄
  Cell<float> caution_exponent;                      // κ
  Cell<std::uint64_t> ticks, samples, samples_lost;  // for status pages
  std::array<Cell<float>, kTable> wait;              // w(q) for q in flight
  std::array<Cell<float>, kTable> caution;           // (1+q)^κ

  float wait_at(std::uint32_t q) const noexcept {
    if (q < kTable) return wait[q].get();
    // Beyond the table the curve is a line through the origin, as a queue is.
    return wait[kTable - 1].get() * static_cast<float>(q) / static_cast<float>(kTable - 1);
  }
  float caution_at(std::uint32_t q) const noexcept {
    return caution[q < kTable ? q : kTable - 1].get();
  }
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PLAN_H_
