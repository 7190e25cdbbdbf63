// History: the tick writes down what the status tells of the last minute and the last ten.
#ifndef LEASTWISE_SRC_LEARN_HISTORY_H_
#define LEASTWISE_SRC_LEARN_HISTORY_H_

#include "leastwise/clock.h"
#include "memory/state.h"

namespace leastwise::state {

// REQUIRES: the tick is held. Nothing but asking for a decision most times; O(capacity × buckets)
// every ten seconds.
void renew_history(const Shared& shared, TimePoint now) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_LEARN_HISTORY_H_
