// Blame: what a failure costs the endpoint that it is put down to, and what a good answer ends.
#ifndef LEASTWISE_SRC_LEARN_BLAME_H_
#define LEASTWISE_SRC_LEARN_BLAME_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/picker.h"
#include "memory/state.h"
#include "words/estimates.h"

namespace leastwise {

inline constexpr float kErrorStep = 0.05F;
inline constexpr std::uint32_t kMostInARow = 1U << 30;

inline void learn_error(state::Hot& endpoint, bool failed, std::int64_t now_ms) noexcept {
  endpoint.error.update([&](std::uint64_t word) noexcept -> std::uint64_t {
    float e = error_now(word, now_ms);
    e += kErrorStep * ((failed ? 1.0F : 0.0F) - e);
    // Damaged memory may hold anything; a share is 0…1.
    if (!(e >= kErrorFree)) return 0;
    return error::pack({std::min(e, 1.0F), static_cast<std::uint32_t>(now_ms)});
  });
}

inline void count_in_a_row(state::Record& record, bool failed) noexcept {
  if (failed) {
    if (record.failures_in_a_row.get() < kMostInARow) record.failures_in_a_row.add(1);
  } else if (record.failures_in_a_row.get() != 0) {
    record.failures_in_a_row.set(0);
  }
}

// nginx's rule: failures that are less than fail_timeout apart add up, and a success
// forgives them only when none came for so long, or when it was a probe. True for the one failure,
// of all processes, that leaves it out.
inline bool learn_health(state::Hot& endpoint, const state::Record& record, bool failed,
                         std::int64_t now_ms) noexcept {
  const std::uint32_t max_fails = record.max_fails.get();
  if (max_fails == 0) return false;
  bool is_last = false;
  endpoint.health.update([&](std::uint64_t word) noexcept -> std::uint64_t {
    Health h = health::unpack(word);
    if (failed) {
      is_last = h.fails + 1 == max_fails;
      return health::pack({.fails = h.fails + 1,
                           .probing = false,
                           .until_ms = now_ms + record.fail_timeout_ms.get()});
    }
    return h.probing || now_ms >= h.until_ms ? 0 : word;
  });
  return is_last;
}

// In the path of every answer: what most of them have nothing to do with is not called.
[[gnu::always_inline]] inline void learn_success(const state::Shared& shared, state::Hot& hot,
                                                 state::Record& record, std::uint16_t route,
                                                 std::int64_t now_ms) noexcept {
  if (hot.error.get() != 0) [[unlikely]]
    learn_error(hot, false, now_ms);
  if (const std::uint64_t word = hot.health.get(); word != 0) [[unlikely]] {
    // It was left out for its failures, and is back: they are paid for.
    if (health::unpack(word).probing) hot.error.set(0);
    learn_health(hot, record, false, now_ms);
  }
  count_in_a_row(record, false);
  if (shared->suspects.get() != 0) [[unlikely]]
    shared->suspects.set(0);
  shared->failing.clear(route);
}

// Where the choice goes by more than the endpoint's own words, the member's part of it.
[[gnu::always_inline]] inline void Picker::renew(const Config& config, MemberIndex member,
                                                 TimePoint now) noexcept {
  if (takes_turns(config.chosen_policy())) [[unlikely]]
    renew_place(config, member, now);
  if (keeps_trees(config) && swept_ >= primaries_) renew_leaves(std::array{member}, now);
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_LEARN_BLAME_H_
