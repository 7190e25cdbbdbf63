// The sequence of requests: arrival, path, demand and abort of the i-th one depend on seed and i
// only, never on the target or on what was answered.
#ifndef LEASTWISE_TESTS_BENCH_LOAD_REQUEST_SOURCE_H_
#define LEASTWISE_TESTS_BENCH_LOAD_REQUEST_SOURCE_H_

#include <cstdint>
#include <optional>

#include "bench/common/random_stream.h"
#include "bench/load/arrivals.h"
#include "bench/load/mix.h"
#include "bench/load/request.h"

namespace leastwise::bench {

class RequestSource {
 public:
  RequestSource(ArrivalPlan plan, const Mix& mix, double abort_share);

  // Open loop: the next request that is due by itself.
  std::optional<Request> next();

  // Closed loop: the next request, starting `at`.
  Request next_at(Duration at);

 private:
  const Mix& mix_;
  double abort_share_;
  RandomStream paths_;
  RandomStream demands_;
  RandomStream aborts_;
  Arrivals arrivals_;
};

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_LOAD_REQUEST_SOURCE_H_
