// Health: whether an endpoint failed too often of late (max_fails).
#ifndef LEASTWISE_SRC_MEMORY_HEALTH_H_
#define LEASTWISE_SRC_MEMORY_HEALTH_H_

#include <cstdint>

#include "memory/state.h"
#include "words/packed.h"

namespace leastwise {

// How long after its last failure somebody that failed too often is tried again when nobody else
// may be picked. nginx's own methods answer with errors for all of fail_timeout.
inline constexpr std::int64_t kTryAgainMs = 500;

// And is not due for another try; `nobody_else`: nor when there is nobody else.
inline bool out_of_service(const state::Hot& endpoint, const state::Record& record,
                           std::int64_t now_ms, bool nobody_else = false) noexcept {
  const std::uint64_t word = endpoint.health.get();
  if (word == 0) return false;
  const std::uint32_t max_fails = record.max_fails.get();
  const Health h = health::unpack(word);
  if (max_fails == 0 || h.fails < max_fails) return false;
  // Further ahead than a failure can put it: the clock went back.
  const std::int64_t left = h.until_ms - now_ms;
  const std::int64_t whole = record.fail_timeout_ms.get();
  if (left <= 0 || left > whole) return false;
  // One attempt at a time: who does not answer keeps no more than one request waiting.
  return !nobody_else || h.probing || left > whole - kTryAgainMs;
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_MEMORY_HEALTH_H_
