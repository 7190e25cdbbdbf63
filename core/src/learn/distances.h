// Distances: what the way to each endpoint takes, from the fastest answers or from TCP's round
// trips.
#ifndef LEASTWISE_SRC_LEARN_DISTANCES_H_
#define LEASTWISE_SRC_LEARN_DISTANCES_H_

#include <cstdint>

#include "memory/state.h"

namespace leastwise::state {

// By the holder of the tick, when answers were taken in. O(endpoints), every now and then.
void renew_distances(const Shared& shared, std::int64_t now_ms) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_LEARN_DISTANCES_H_
