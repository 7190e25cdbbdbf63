// Toll: where other balancers use the same servers, what a request costs theirs, in seconds that
// are added to an endpoint's predicted delay (advice.h).
//
// One balancer of many has next to nothing in flight, and predicts nearly the same delay whether
// the next request goes there or not. What it measures is how long requests take under what all
// send. Going where that is least, all send the fastest servers more than is good for all of them:
// they queue there until the fastest is as slow as the slowest. The cure is a toll of what one's
// own request adds to the time of all others, which grows with the time that requests wait there
// (A. C. Pigou, "The Economics of Welfare", 1920; M. Beckmann et al., "Studies in the Economics of
// Transportation", 1956).
//
// How long they wait tells an endpoint's own answers: two of five take no longer than `low`, and
// the least that was of a minute is that of a server at which nobody waits, times what `low` is of
// the mean where it is nearest to it (model/toll.h). Nobody tells the wait, so nobody can lie
// about it; and every balancer has figures of its own, which differ by chance, so that not all
// avoid the same server at the same time: the same tolls, told to all, did (ADR 40).
//
// What others tell is that they are there. With four balancers or fewer there is no toll: by what
// is in flight they see enough. From ten on it is there in full.
#ifndef LEASTWISE_SRC_GUARD_TOLL_H_
#define LEASTWISE_SRC_GUARD_TOLL_H_

#include "leastwise/clock.h"
#include "memory/state.h"

namespace leastwise::state {

// How much of the last reports still holds, from 1 to 0; 0 also when there never was one.
float hearsay_left(const Shared& shared, TimePoint now) noexcept;

// Whether others are counted, so that answers are to be added to Learned::toll.
bool counts_others(const Shared& shared) noexcept;

// Renews Learned::toll. Forgets all that was heard Pool::kHearsay after the last report. By the
// holder of the tick, `elapsed` after the one before. O(n).
void renew_tolls(const Shared& shared, TimePoint now, Duration elapsed) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_TOLL_H_
