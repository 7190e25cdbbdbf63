// One reproducible stream of uniform numbers in [0, 1).
//
// Streams of the same seed but of different numbers are independent, so that drawing more often
// from one (say, arrivals) never shifts another (say, demands): that is what makes two runs
// comparable request by request. Not thread safe.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_RANDOM_STREAM_H_
#define LEASTWISE_TESTS_BENCH_COMMON_RANDOM_STREAM_H_

#include <cstdint>
#include <random>

namespace leastwise::bench {

class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint32_t number) {
    // seed_seq is specified to the bit, so a seed means the same on every platform.
    std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                           number};
    engine_.seed(sequence);
  }

  // std::uniform_real_distribution is not specified to the bit and may return 1.
  double uniform() noexcept { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_RANDOM_STREAM_H_
