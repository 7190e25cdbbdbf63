// Slow start: an endpoint that joins a pool at work, or comes back, gets its full weight only
// by and by: caches are cold, code is not compiled, connections are not open.
//
// Its weight grows in a line from a tenth to all of it within `slow_start`. Weights only matter
// relative to others: endpoints that all join at once share as if all were warm, and so nobody is
// starved, nor surged upon, when a whole pool starts. A pool that has learned nothing yet has no
// warm endpoints to compare with, and ramps nobody.
#ifndef LEASTWISE_SRC_GUARD_SLOW_START_H_
#define LEASTWISE_SRC_GUARD_SLOW_START_H_

#include "leastwise/config.h"
#include "memory/state.h"

namespace leastwise::state {

// Notices who came (back) since the last tick, and renews each Record::warmth. An endpoint that
// comes back between two ticks has its whole weight until the next, 100 ms at most. By the holder
// of the tick. O(n).
void renew_warmth(const Shared& shared, const Config& config, TimePoint now) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_SLOW_START_H_
