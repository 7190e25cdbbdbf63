// Ways: how far each server is, by the connect times in HAProxy's log.
//
// A TCP connection takes one round trip to open, whatever the server does then; how long answers
// take says much less of it. But HAProxy reuses connections: a connect time of 0 ms is that of a
// server nearby, or of one that was connected before. So a server is nearby until two connections
// took longer, is then as far as the quicker of the last two says, and never farther than an answer
// began soon. What was not seen for ten minutes is forgotten: a lost SYN would else count for ever.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_WAYS_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_WAYS_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "leastwise/endpoint.h"
#include "leastwise/outcome.h"

namespace leastwise::agent {

class Ways {
 public:
  static constexpr Duration kMemory = std::chrono::minutes(10);

  // For endpoints of a pool of that capacity; what is known stays.
  void resize(std::size_t capacity) { ways_.resize(capacity); }

  // The round trip to that server, zero when it is nearby. id: below the capacity.
  Duration learn(EndpointId id, const Outcome& outcome, TimePoint now) noexcept {
    Way& way = ways_[index(id)];
    if (way.trip > Duration::zero() && now - way.seen > kMemory) way = {};
    if (outcome.connect > Duration::zero()) {
      if (way.last > Duration::zero()) way.trip = std::min(way.last, outcome.connect);
      way.last = outcome.connect;
      way.seen = now;
    }
    if (outcome.first_byte >= Duration::zero()) way.trip = std::min(way.trip, outcome.first_byte);
    return way.trip;
  }

  void forget(EndpointId id) noexcept { ways_[index(id)] = {}; }

 private:
  struct Way {
    Duration trip{}, last{};
    TimePoint seen{};
  };
  std::vector<Way> ways_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_WAYS_H_
