// Which random stream decides what. Each question has its own, so that no answer shifts another.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_STREAMS_H_
#define LEASTWISE_TESTS_BENCH_LOAD_STREAMS_H_

#include <cstdint>

namespace leastwise::bench {

constexpr std::uint32_t kArrivalStream = 1;
constexpr std::uint32_t kPathStream = 2;
constexpr std::uint32_t kDemandStream = 3;
constexpr std::uint32_t kAbortStream = 4;

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_STREAMS_H_
