// Advice: all that bears on the choice of an endpoint beside what a pick measures itself, worked
// by the tick into two words of the hot line, so that a pick pays for none of it:
//
//   handicap        seconds added to its predicted delay: what the way there takes, and the
//                   price of leaving the locality, of answers of a cheap kind, and of what a
//                   request costs those of other balancers (toll.h)
//   inverse_weight  1 / (configured weight × the part of it that slow start grants), times what
//                   its load reports make it dearer
#ifndef LEASTWISE_SRC_GUARD_ADVICE_H_
#define LEASTWISE_SRC_GUARD_ADVICE_H_

#include <cstddef>

#include "leastwise/config.h"
#include "memory/state.h"

namespace leastwise::state {

// All of it, of one endpoint: by the tick. O(1).
void renew_advice(const Shared& shared, const Config& config, std::size_t i) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_ADVICE_H_
