// The agent's clock: CLOCK_MONOTONIC, continued over a reboot.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_CLOCK_H_
#define LEASTWISE_SPOE_AGENT_SERVE_CLOCK_H_

#include "leastwise/clock.h"

namespace leastwise::agent {

// Costs about 20 ns; no system call on a usual kernel. Thread safe.
TimePoint now() noexcept;

// A state file outlives a reboot, CLOCK_MONOTONIC does not: makes now() at least `last`, the
// latest time in the file. Call before any thread starts.
void continue_from(TimePoint last) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_CLOCK_H_
