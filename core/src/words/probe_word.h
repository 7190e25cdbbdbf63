// Probe word: what the probes of an endpoint say, in one word, so that no reader pairs the count of
// one with the result of another; and who probes a pool, and since when. Zero: nobody did.
#ifndef LEASTWISE_SRC_WORDS_PROBE_WORD_H_
#define LEASTWISE_SRC_WORDS_PROBE_WORD_H_

#include <cstdint>

#include "leastwise/clock.h"
#include "leastwise/probe.h"

namespace leastwise {

struct Probed {
  enum class Verdict : std::uint32_t { kUnknown, kUp, kDown };
  static constexpr std::uint32_t kMostInARow = 0xfff;

  Verdict verdict = Verdict::kUnknown;
  ProbeResult last;
  std::uint32_t in_a_row = 0;  // results as the last one
  std::uint32_t ms = 0;        // of the last, modulo 2^32
};

namespace probed {

// 2 bits of verdict, 12 of the number in a row, 6 of fault, 12 of detail, 32 of time.
constexpr std::uint64_t pack(const Probed& p) noexcept {
  const std::uint32_t row = p.in_a_row < Probed::kMostInARow ? p.in_a_row : Probed::kMostInARow;
  const std::uint32_t detail = p.last.detail < 0xfff ? p.last.detail : 0xfff;
  return std::uint64_t{static_cast<std::uint32_t>(p.verdict)} << 62 | std::uint64_t{row} << 50 |
         std::uint64_t{static_cast<std::uint8_t>(p.last.fault)} << 44 |
         std::uint64_t{detail} << 32 | p.ms;
}
constexpr Probed unpack(std::uint64_t word) noexcept {
  const std::uint64_t verdict = word >> 62;
  return {.verdict = static_cast<Probed::Verdict>(verdict < 3 ? verdict : 0),
          .last = {static_cast<ProbeFault>(word >> 44 & 0x3f),
                   static_cast<std::uint32_t>(word >> 32 & 0xfff)},
          .in_a_row = static_cast<std::uint32_t>(word >> 50 & 0xfff),
          .ms = static_cast<std::uint32_t>(word)};
}

// What the next result makes of it, and what changes by that.
constexpr ProbeChange add(Probed& p, const ProbeResult& result, std::uint32_t passes,
                          std::uint32_t fails, std::uint32_t ms) noexcept {
  const bool goes_on = p.in_a_row > 0 && p.last.passed() == result.passed();
  p.in_a_row = goes_on ? p.in_a_row + 1 : 1;
  p.last = result;
  p.ms = ms;
  const Probed::Verdict before = p.verdict;
  if (!result.passed()) {
    if (p.in_a_row < fails || before == Probed::Verdict::kDown) return ProbeChange::kNone;
    p.verdict = Probed::Verdict::kDown;
    return ProbeChange::kDown;
  }
  // Of who is not known the first that passes is enough.
  if (before == Probed::Verdict::kUp) return ProbeChange::kNone;
  if (before == Probed::Verdict::kDown && p.in_a_row < passes) return ProbeChange::kNone;
  p.verdict = Probed::Verdict::kUp;
  return before == Probed::Verdict::kDown ? ProbeChange::kUp : ProbeChange::kFirstPass;
}

// Since the last; Duration::max() when there was none, or it is from before the clock went back.
constexpr Duration age(std::uint64_t word, TimePoint now) noexcept {
  if (word == 0) return Duration::max();
  const auto ms = static_cast<std::uint32_t>(milliseconds(now));
  const auto passed = static_cast<std::int32_t>(ms - unpack(word).ms);
  return passed < 0 ? Duration::max() : Duration(std::chrono::milliseconds(passed));
}

}  // namespace probed

// ---- Who probes: its pid (31 bits), and when it last said so (33 bits of milliseconds).
namespace prober {

inline constexpr std::uint64_t kMsMask = (std::uint64_t{1} << 33) - 1;

constexpr std::uint64_t of(std::uint32_t pid, std::int64_t ms) noexcept {
  return std::uint64_t{pid & 0x7fffffff} << 33 | (static_cast<std::uint64_t>(ms) & kMsMask);
}
constexpr std::uint32_t pid(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 33);
}
// Also when the stamp lies a little ahead: processes read the clock at different instants. One that
// is further ahead is from before the clock went back.
constexpr bool is_fresh(std::uint64_t word, std::int64_t ms, std::uint64_t lease_ms) noexcept {
  const std::uint64_t age = (static_cast<std::uint64_t>(ms) - word) & kMsMask;
  return age < lease_ms || age > kMsMask - lease_ms;
}

}  // namespace prober

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_PROBE_WORD_H_
