// Age: what was learned is set to unknown before its stamp can be taken for a new one.
//
// Stamps in packed words are short, so that a value and its time fit in one word: milliseconds
// modulo 2^32 come round after 49.7 days, and look as if they lay ahead after half of that; the
// landmarks of Decay come round after 256. So each word is set to unknown as soon as it says
// nothing any more, by the holder of the tick, who comes past each endpoint within 16 ticks.
// When nobody ticked for so long that stamps may have come round meanwhile (all processes were
// stopped, the memory is a file from last month), or when the clock went back, all are forgotten.
#ifndef LEASTWISE_SRC_LEARN_AGE_H_
#define LEASTWISE_SRC_LEARN_AGE_H_

#include <cstddef>
#include <cstdint>

#include "leastwise/clock.h"
#include "leastwise/config.h"
#include "leastwise/decay.h"
#include "memory/state.h"

namespace leastwise {

class Age {
 public:
  // `gap_ms`: how far the tick before is away, on either side.
  Age(const Config& config, TimePoint now, std::int64_t gap_ms) noexcept;

  // Whether all endpoints are to be looked at, not just a few.
  bool was_long() const noexcept;
  // Forgets what endpoint i's words say no more. O(1).
  void forget_old(const state::Shared& shared, std::size_t i) const noexcept;

 private:
  bool is_old(std::uint32_t stamp, std::int64_t most_ms) const noexcept;
  void forget_speed(state::Hot& hot) const noexcept;
  void forget_failures(state::Hot& hot, state::Record& record) const noexcept;

  std::int64_t now_ms_, gap_ms_, tau_ms_;
  Decay decay_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_LEARN_AGE_H_
