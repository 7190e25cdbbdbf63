// Stall: when all servers stand still at once, that says nothing of any of them.
//
// A lock in the database behind all, a lost switch, a host that was paused: whatever was sent
// meanwhile is answered late, and by whom and how late is chance. Answers are counted as if each
// was late for a reason of its own, so equal servers would look unequal until that is forgotten.
// So where nearly all that answered since the last tick took much longer than before, nothing is
// learned from these answers, nor from any that were on their way then. What lasts is no stall:
// after ten such ticks in a row answers count again.
#ifndef LEASTWISE_SRC_LEARN_STALL_H_
#define LEASTWISE_SRC_LEARN_STALL_H_

#include "leastwise/clock.h"
#include "leastwise/config.h"
#include "memory/state.h"

namespace leastwise::state {

// Whether the servers stand still, or did since the last tick. By the holder of the tick, before
// the model learns. O(answers that wait), and O(endpoints) where these are late.
bool watch_stall(const Shared& shared, const Config& config, TimePoint now) noexcept;
// Each tick, and when the above said so: takes the answers since the last look out of all speeds, if
// it did, and remembers these for the next. O(endpoints).
void end_look(const Shared& shared, bool stall, std::int64_t now_ms) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_LEARN_STALL_H_
