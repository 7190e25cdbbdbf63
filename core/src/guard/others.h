// Others: what other balancers of the same servers have in flight, worked by the tick into one word
// of the hot line, which counts as if it were our own (pick/transit.h).
//
// Never the last figure of an endpoint. In the time between two reports a server answers ten times
// what it has in flight, and balancers that all act on one figure send ten times what was missing.
// What counts is an average of kSlow, drawn to the mean of all endpoints by as much as it may be
// chance: by how far the averages of a second were off.
//
// It closes a loop whose gain grows with the number of balancers, and it is late where something
// changes (ADR 35). So of more than ten balancers less counts, and of 20 nothing; and for a while
// nothing does after their total was far from its average, and after a server came: each balancer's
// own count has to do. What is said makes a server at most twice as dear as the mean one.
#ifndef LEASTWISE_SRC_GUARD_OTHERS_H_
#define LEASTWISE_SRC_GUARD_OTHERS_H_

#include "leastwise/clock.h"
#include "memory/state.h"

namespace leastwise::state {

// How much of the last reports still holds, from 1 to 0; 0 also when there never was one.
float hearsay_left(const Shared& shared, TimePoint now) noexcept;

// Renews Hot::others. True when any endpoint has some. Forgets all that was heard Pool::kHearsay
// after the last report. By the holder of the tick, `elapsed` after the one before. O(n).
bool renew_others(const Shared& shared, TimePoint now, Duration elapsed) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_OTHERS_H_
