// Residency: how much a pool has to remember prompts in.
#ifndef LEASTWISE_RESIDENCY_H_
#define LEASTWISE_RESIDENCY_H_

#include <cstddef>
#include <cstdint>

#include "leastwise/config.h"

namespace leastwise {

inline constexpr std::uint64_t kLeastResidency = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kMostResidency = std::uint64_t{1} << 30;

// Bytes for Pool::create(), by the policy. The usual 16 MiB are a quarter of a million beginnings,
// of each prompt up to 24: what 64 servers keep of a million tokens each, in prompts of 6,000.
inline std::size_t residency_of(const Config& config) noexcept {
  return config.chosen_policy().by_prompt ? config.prompt_memory.bytes : 0;
}

}  // namespace leastwise

#endif  // LEASTWISE_RESIDENCY_H_
