// Reading: what one model server has to read, how fast it does, and how much of what it read it
// keeps.
//
// Work is counted in bytes of prompt that it has not cached. It is drained by first tokens: a
// server's pace is the time with something to read by the bytes that were read in it, over the last
// 20 s. The answer time of one prompt says less, since several are read at once.
#ifndef LEASTWISE_SRC_PROMPT_READING_H_
#define LEASTWISE_SRC_PROMPT_READING_H_

#include <array>
#include <cstdint>

#include "leastwise/clock.h"
#include "prompt/residency.h"
#include "words/cell.h"

namespace leastwise {

// Prompts in the upper 24 bits, their bytes below.
namespace pending {

inline constexpr unsigned kBits = 40;
inline constexpr std::uint64_t kOne = std::uint64_t{1} << kBits;

constexpr std::uint64_t of(std::uint32_t bytes) noexcept { return kOne | bytes; }
constexpr std::uint32_t prompts(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> kBits);
}
constexpr float bytes(std::uint64_t word) noexcept { return static_cast<float>(word & (kOne - 1)); }
// Not below zero, whatever was lost.
constexpr std::uint64_t minus(std::uint64_t word, std::uint64_t part) noexcept {
  if (prompts(word) <= 1) return 0;
  const std::uint64_t left = word & (kOne - 1), gone = part & (kOne - 1);
  return (std::uint64_t{prompts(word)} - 1) << kBits | (left > gone ? left - gone : 0);
}

}  // namespace pending

// A sum of amounts and one of the seconds that they took.
struct Pace {
  float amount = 0;
  float seconds = 0;
};

struct alignas(64) Reading {
  Cell<std::uint64_t> pending;
  Cell<std::uint64_t> read;     // a Pace, in bytes
  Cell<std::uint64_t> written;  // a Pace, in bytes of answers
  Cell<std::int64_t> touched_us;
  // What it keeps: `room` bytes of prompts. After each eighth of that was sent, `marks` has the
  // time, and what was sent before the last eight of them is taken to be gone.
  static constexpr std::uint32_t kMarks = 8;
  Cell<float> room;
  Cell<std::int32_t> left_of_mark;
  Cell<std::uint32_t> bit;  // of Holders, from 1 on; 0: none
  Cell<std::uint32_t> mark;
  Cell<float> usual_bytes;      // of a prompt
  Cell<std::uint32_t> lessons;  // by which `room` was learned
};
static_assert(sizeof(Reading) == 64);

// Of what a server keeps where nobody says: 128 Ki tokens.
inline constexpr float kUsualRoom = 524288;

Pace pace_of(std::uint64_t word) noexcept;

// The pace as of now: what waits counts as well. `since`: how long ago it was touched.
Pace pace_now(const Reading& reading, std::uint64_t pending_word, TimePoint now) noexcept;

// A prompt came, or its first token did.
void begin_reading(Reading& reading, std::uint32_t bytes, TimePoint now) noexcept;
void end_reading(Reading& reading, std::uint32_t bytes, bool is_read, TimePoint now) noexcept;
void add_written(Reading& reading, float bytes, float seconds) noexcept;

// That many bytes more are kept there.
void fill(Reading& reading, std::uint32_t bytes, std::array<Cell<Stamp>, Reading::kMarks>& marks,
          Holders::One& holder, TimePoint now) noexcept;
// What the server said: of a beginning that it was thought to have, and was sent `age` marks ago,
// it had nothing, or had it all.
void learn_room(Reading& reading, bool had_it, Mark age) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PROMPT_READING_H_
