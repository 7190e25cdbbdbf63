// Pool: what other balancers are told of an endpoint, and what they tell.
#include <algorithm>

#include "leastwise/pool.h"
#include "memory/state.h"
#include "pick/transit.h"

namespace leastwise {

Pool::Own Pool::own(EndpointId id) const noexcept {
  if (index(id) >= capacity()) return {};
  const state::Hot& hot = shared().hot()[index(id)];
  const std::uint64_t word = hot.load.get();
  const AtServer there = at_server(hot, word, load::in_flight(word));
  return {static_cast<float>(there.n), load::work(there.word)};
}

void Pool::hear(EndpointId id, float requests) noexcept {
  if (index(id) < capacity()) shared().records()[index(id)].heard_requests.set(requests);
}

void Pool::heard(std::uint32_t tellers, TimePoint now) noexcept {
  header_->tellers.set(tellers);
  header_->heard_ms.set(std::max<std::int64_t>(milliseconds(now), 1));  // 0 is never
}

}  // namespace leastwise
