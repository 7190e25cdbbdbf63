// Transit: attempts that are on their way to an endpoint, or their answers back, wait for nobody.
//
// A server 20 ms away has requests in flight that are not there yet. By Little's law (1961) they
// are as many as its picks per second times its distance b; only the others queue, so only they
// count for the wait. Without this a distant server looked busy while it idled, and near ones took
// its share. Those that only keep their place, such as tunnels and long polls, wait for nobody
// either (ADR 22).
#ifndef LEASTWISE_SRC_PICK_TRANSIT_H_
#define LEASTWISE_SRC_PICK_TRANSIT_H_

#include <algorithm>
#include <cstdint>

#include "leastwise/picker.h"
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
  const std::uint32_t word = endpoint.away.get();
  if (word == 0) [[likely]]
    return {load_word, in_flight};
  const std::uint32_t counted = in_flight - std::min(in_flight, away::idle(word));
  const std::uint32_t n = counted - std::min(counted, away::transit(word));
  if (n == 0) return {0, 0};
  if (n == counted) return {load_word, n};  // who keeps a place only has no work in the word
  const float share = static_cast<float>(n) / static_cast<float>(counted);
  return {load::with_share(load_word, share), n};
}

namespace state {

// A guest has its place, and gives it back.
void enter(Hot& endpoint, Record& record, Ticket& ticket, Stay stay) noexcept;
void leave(Hot& endpoint, Record& record, const Ticket& ticket) noexcept;

// Picks per second and what is in transit, of all endpoints: by the tick, `elapsed` after the one
// before. True when any has something that does not queue.
bool renew_transit(const Shared& shared, Duration elapsed) noexcept;

}  // namespace state
}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_TRANSIT_H_
