// Transit: attempts that are on their way to an endpoint, or their answers back, wait for nobody.
//
// A server 20 ms away has requests in flight that are not there yet. By Little's law (1961) they
// are as many as its picks per second times its distance b; only the others queue, so only they
// count for the wait. Without this a distant server looked busy while it idled, and near ones took
// its share. Tunnels and event streams, of which only the place is left, are not counted either.
#ifndef LEASTWISE_SRC_PICK_TRANSIT_H_
#define LEASTWISE_SRC_PICK_TRANSIT_H_

#include <algorithm>
#include <cstdint>

#include "memory/state.h"
#include "words/packed.h"

namespace leastwise {

// What is at a server, of what is in flight.
struct AtServer {
  std::uint64_t word;  // load word, for the work
  std::uint32_t n;
};

inline AtServer at_server(const state::Hot& endpoint, std::uint64_t load_word,
                          std::uint32_t in_flight) noexcept {
  const std::uint32_t away = endpoint.in_transit.get();
  if (away == 0) [[likely]]
    return {load_word, in_flight};
  const std::uint32_t n = in_flight - std::min(in_flight, away);
  if (n == 0) return {0, 0};
  const float share = static_cast<float>(n) / static_cast<float>(in_flight);
  return {load::with_share(load_word, share), n};
}

namespace state {

// Picks per second and what is in transit, of all endpoints: by the tick, `elapsed` after the one
// before. True when any has something in transit.
bool renew_transit(const Shared& shared, Duration elapsed) noexcept;

}  // namespace state
}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_TRANSIT_H_
