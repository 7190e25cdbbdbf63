// Shadow: what answers say of the choices that Leastwise would have made; see memory/shadow.h.
#ifndef LEASTWISE_SRC_LEARN_SHADOW_H_
#define LEASTWISE_SRC_LEARN_SHADOW_H_

#include "leastwise/config.h"
#include "memory/state.h"

namespace leastwise::state {

// By the tick: what each endpoint's answers count for, and the turn of the banks. Nothing unless
// the pool only watches.
void renew_shadow(const Shared& shared, const Config& config, TimePoint now,
                  Duration elapsed) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_LEARN_SHADOW_H_
