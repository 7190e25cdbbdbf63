// Weight: the configured one times what is known besides, as picks use it.
#ifndef LEASTWISE_SRC_MEMORY_WEIGHT_H_
#define LEASTWISE_SRC_MEMORY_WEIGHT_H_

#include <cstddef>

#include "memory/state.h"

namespace leastwise::state {

// The configured weight times the part of it that slow start grants. Positive.
float effective_weight(const Record& record) noexcept;

// Renews Hot::inverse_weight, load reports included: by configure() and the tick. O(1).
void renew_weight(const Shared& shared, std::size_t i) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_MEMORY_WEIGHT_H_
