// Pardon: what ends an endpoint's record of failures besides its own good answers.
//
// Who failed gets few requests or none, and so no chance to show that it is well again.
// - Left out by max_fails: when fail_timeout is over one attempt is to be sent there, whatever it
//   did; so its share of failures is set to zero then.
// - Refused connections cost little, since nothing was sent and the front end tries another: where
//   the last failure was one, the share fades within a second, not ten. A server that is down is
//   then tried every two seconds or so.
#ifndef LEASTWISE_SRC_LEARN_PARDON_H_
#define LEASTWISE_SRC_LEARN_PARDON_H_

#include "memory/state.h"

namespace leastwise::state {

// By the holder of the tick, `elapsed` after the one before. O(endpoints).
void renew_pardons(const Shared& shared, TimePoint now, Duration elapsed) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_LEARN_PARDON_H_
