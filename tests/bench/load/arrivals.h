// When requests start: a Poisson process (or a steady beat) whose rate is a step function of
// time, with bursts on top.
//
// The process is drawn in units of expected arrivals and stretched by the rate, so that a change
// of rate takes effect at its very moment, and the draws of a seed stay the same. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_ARRIVALS_H_
#define LEASTWISE_TESTS_BENCH_LOAD_ARRIVALS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/common/random_stream.h"
#include "bench/common/time.h"

namespace leastwise::bench {

struct Phase {
  Duration from{};
  double rate = 0;  // requests per second; 0 is a pause
};

struct Burst {
  Duration at{};
  std::uint32_t count = 0;
};

struct ArrivalPlan {
  std::vector<Phase> phases;  // ascending, the first at 0
  std::vector<Burst> bursts;  // ascending
  Duration end{};
  bool is_steady = false;
  std::uint64_t seed = 1;
};

class Arrivals {
 public:
  explicit Arrivals(ArrivalPlan plan);

  // The next intended start, ascending; none at or after the end.
  std::optional<Duration> next();

 private:
  std::optional<double> next_of_process();

  ArrivalPlan plan_;
  RandomStream gaps_;
  double clock_ = 0;  // seconds
  std::size_t phase_ = 0;
  std::optional<double> pending_;
  std::size_t burst_ = 0;
  std::uint32_t burst_sent_ = 0;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_ARRIVALS_H_
