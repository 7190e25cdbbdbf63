// One request that is to be made, and what became of it.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_REQUEST_H_
#define LEASTWISE_TESTS_BENCH_LOAD_REQUEST_H_

#include <cstdint>

#include "bench/common/time.h"

namespace leastwise::bench {

struct Request {
  Duration at{};           // the intended start, after the start of the run
  std::uint32_t path = 0;  // number in the mix
  double u = 0;            // its demand, sent as x-u
  bool is_aborted = false;
  bool is_retry = false;
};

enum class Outcome : std::uint8_t {
  kAnswered,  // in full, whatever the status
  kRefused,   // no connection
  kReset,     // the connection broke
  kClosed,    // closed before the first byte of an answer
  kTruncated,
  kGarbage,   // not HTTP
  kNoSocket,  // this machine had no port or descriptor left: nothing is known of the target
  kTimeout,
  kAborted  // by ourselves, on purpose
};

constexpr std::uint32_t kUnknownServer = UINT32_MAX;

struct Sample {
  Duration at{};
  Duration latency{};  // from the intended start
  Duration first{};    // the same, to the first byte of the body; where there is none, the latency
  std::uint32_t path = 0;
  std::uint32_t server = kUnknownServer;  // number in the table of names
  std::uint16_t status = 0;
  Outcome outcome = Outcome::kAnswered;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_REQUEST_H_
