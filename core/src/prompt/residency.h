// Residency: which model server has seen which beginnings of prompts, in a table of fixed size.
//
// Four places a set and one cache line a set: what was seen longest ago makes room. A wrong answer,
// of two beginnings with one tag or of two processes that write one place, costs a prefill that was
// thought to be cached; so places are written without any order between their words.
#ifndef LEASTWISE_SRC_PROMPT_RESIDENCY_H_
#define LEASTWISE_SRC_PROMPT_RESIDENCY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "leastwise/clock.h"
#include "leastwise/prompt.h"
#include "words/cell.h"

namespace leastwise {

// In 64 ms, modulo 2^32: two are compared by their difference.
using Stamp = std::uint32_t;
constexpr Stamp stamp_of(TimePoint t) noexcept {
  return static_cast<Stamp>(static_cast<std::uint64_t>(milliseconds(t)) >> 6);
}
constexpr bool is_before(Stamp a, Stamp b) noexcept { return static_cast<std::int32_t>(a - b) < 0; }

struct alignas(64) ResidencySet {
  struct Place {
    Cell<std::uint64_t> key;      // tag << 32 | stamp of the last time it was sent; 0: free
    Cell<std::uint64_t> holders;  // a bit for each server
  };
  std::array<Place, 4> places;
};

// Up to 64 servers are told apart; each holds what it was sent since `since`.
struct Holders {
  static constexpr std::size_t kMost = 64;

  std::array<Cell<Stamp>, kMost> since;
  Cell<std::uint64_t> used;  // bits that are somebody's
};

class Residency {
 public:
  // By bit: how many bytes of a prompt the server holds.
  using Lengths = std::array<std::uint32_t, Holders::kMost>;

  Residency(std::span<ResidencySet> sets, Holders& holders) noexcept
      : sets_(sets), holders_(holders) {}

  // Of the servers in `among`. O(points).
  void find(const Prompt& prompt, std::uint64_t among, Lengths& lengths) const noexcept;
  // The prompt goes to the server of that bit.
  void keep(const Prompt& prompt, unsigned bit, Stamp now) noexcept;

 private:
  ResidencySet& set_of(std::uint64_t digest) const noexcept;
  // Of `holders`, those that were not emptied since.
  std::uint64_t still(std::uint64_t holders, Stamp stamp) const noexcept;

  std::span<ResidencySet> sets_;
  Holders& holders_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PROMPT_RESIDENCY_H_
