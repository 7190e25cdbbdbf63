// Residency: how much a pool has to remember prompts in.
#ifndef LEASTWISE_RESIDENCY_H_
#define LEASTWISE_RESIDENCY_H_

#include <cstddef>

#include "leastwise/config.h"

namespace leastwise {

// Bytes for Pool::create(), by the policy. A quarter of a million beginnings, of each prompt up to
// 24: what 64 servers keep of a million tokens each, in prompts of 6,000.
inline std::size_t residency_of(const Config& config) noexcept {
  return config.chosen_policy().by_prompt ? std::size_t{16} << 20 : 0;
}

}  // namespace leastwise

#endif  // LEASTWISE_RESIDENCY_H_
