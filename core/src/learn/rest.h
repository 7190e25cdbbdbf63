// Rest: whether a pool that nobody uses can do with fewer ticks.
#ifndef LEASTWISE_SRC_LEARN_REST_H_
#define LEASTWISE_SRC_LEARN_REST_H_

#include "leastwise/config.h"
#include "memory/state.h"

namespace leastwise::state {

// Writes Header::rests for Pool::is_at_rest(). REQUIRES: the tick is held, and has renewed the
// rest. O(capacity), one line of memory for each endpoint that the tick has just looked at.
void renew_rest(const Shared& shared, const Config& config) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_LEARN_REST_H_
