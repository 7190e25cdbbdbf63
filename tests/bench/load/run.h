// One run: requests out at their times (open loop) or one for each that came back (closed loop),
// until every one has its sample.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_RUN_H_
#define LEASTWISE_TESTS_BENCH_LOAD_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/common/time.h"
#include "bench/load/client.h"
#include "bench/load/options.h"
#include "bench/load/request.h"

namespace leastwise::bench {

struct RunResult {
  std::vector<Sample> samples;
  std::vector<std::string> server_names;
  Client::Counters counters;
  std::uint64_t scheduled = 0;
  // How late we were ourselves, ascending: from the intended start to the attempt to send.
  // Empty in a closed loop, which intends nothing.
  std::vector<Duration> lags;
  Duration span{};  // during which requests were started
  Duration cpu{};   // ours
};

RunResult run_load(const Options& options);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_RUN_H_
