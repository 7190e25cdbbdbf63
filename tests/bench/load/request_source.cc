#include "bench/load/request_source.h"

#include <utility>

#include "bench/load/streams.h"

namespace leastwise::bench {

RequestSource::RequestSource(ArrivalPlan plan, const Mix& mix, double abort_share)
    : mix_(mix),
      abort_share_(abort_share),
      paths_(plan.seed, kPathStream),
      demands_(plan.seed, kDemandStream),
      aborts_(plan.seed, kAbortStream),
      arrivals_(std::move(plan)) {}

std::optional<Request> RequestSource::next() {
  const auto at = arrivals_.next();
  if (!at) return std::nullopt;
  return next_at(*at);
}

Request RequestSource::next_at(Duration at) {
  Request request;
  request.at = at;
  request.path = mix_.choose(paths_.uniform());
  request.u = demands_.uniform();
  request.is_aborted = aborts_.uniform() < abort_share_;
  return request;
}

}  // namespace leastwise::bench
