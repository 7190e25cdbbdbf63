// Probes: what their results do to the pool. How servers are asked is the front end's.
//
// An endpoint that fails its probes is left out until it passes them, as an outlier is until its
// time is over, and both together are what `outlier_max` bounds. When more than half of the pool
// fail at once it is rather the probes' fault, or that of something the servers share, and the rest
// would not bear the load: all are used then (panic), unless a backup is well. Who is `mandatory`
// and has never passed is not used even then.
//
// The words of an endpoint say what its probes found; its flag kProbeBarred, whether picks leave it
// out for that.
#ifndef LEASTWISE_SRC_GUARD_PROBE_H_
#define LEASTWISE_SRC_GUARD_PROBE_H_

#include "leastwise/config.h"
#include "memory/state.h"

namespace leastwise::state {

// By the tick, and by whoever has a result that changes something. O(n).
void renew_probed(const Shared& shared, const Config& config) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_PROBE_H_
