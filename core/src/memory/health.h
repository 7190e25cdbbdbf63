// Health: whether an endpoint failed too often of late (max_fails).
#ifndef LEASTWISE_SRC_MEMORY_HEALTH_H_
#define LEASTWISE_SRC_MEMORY_HEALTH_H_

#include <cstdint>

#include "memory/state.h"
#include "words/packed.h"

namespace leastwise {

// And is not due for another try.
inline bool out_of_service(const state::Hot& endpoint, const state::Record& record,
                           std::int64_t now_ms) noexcept {
  const std::uint64_t word = endpoint.health.get();
  if (word == 0) return false;
  const std::uint32_t max_fails = record.max_fails.get();
  const Health h = health::unpack(word);
  if (max_fails == 0 || h.fails < max_fails) return false;
  // Further ahead than a failure can put it: the clock went back.
  const std::int64_t left = h.until_ms - now_ms;
  return left > 0 && left <= std::int64_t{record.fail_timeout_ms.get()};
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MEMORY_HEALTH_H_
