// What a server says of itself in its load report: averages over about the last second.
//
// Shares decay exponentially with a time constant of 1 s, read at any time. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_UTILISATION_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_UTILISATION_H_

#include <string>

#include "bench/common/time.h"

namespace leastwise::bench {

class Utilisation {
 public:
  explicit Utilisation(Time start) noexcept : updated_(start) {}

  // Must be called before `busy` or `waiting` changes; `slots` 0 means without limit.
  void advance(Time now, int slots, int busy, std::size_t waiting) noexcept;

  void count_answer() noexcept { rate_ += 1; }

  // The value of the header endpoint-load-metrics, in the text format of ORCA.
  std::string report(int busy, std::size_t waiting) const;

  double busy_share() const noexcept { return busy_share_; }

 private:
  double busy_share_ = 0;
  double demand_share_ = 0;  // with those that wait: may exceed 1
  double rate_ = 0;
  Time updated_;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_UTILISATION_H_
