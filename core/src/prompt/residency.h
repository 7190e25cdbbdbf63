// Residency: which model server has seen which beginnings of prompts, in a table of fixed size.
//
// A place is a cache line, two a set: what was seen longest ago makes room. A wrong answer, of two
// beginnings with one tag or of two processes that write one place, costs a prefill that was
// thought to be cached; so places are written without any order between their words.
//
// Each holder of a place has a mark of its own. With one time for all of them, what one server is
// sent often was taken to be cached at others that had dropped it long ago.
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

// Times, counted by what is sent to a server: one more with each eighth of what it keeps.
using Mark = std::uint32_t;

struct alignas(64) ResidencyPlace {
  // By server, the mark of the last time it was sent there, modulo 32.
  class Marks {
   public:
    static constexpr unsigned kBits = 5, kEach = 12;  // in a word

    Mark get(unsigned server) const noexcept {
      return static_cast<Mark>(words_[server / kEach].get() >> shift(server)) & kMask;
    }
    void set(unsigned server, Mark mark) noexcept;
    // Marks since then. REQUIRES: less than 32.
    static constexpr Mark passed(Mark then, Mark now) noexcept { return (now - then) & kMask; }

   private:
    static constexpr Mark kMask = (1U << kBits) - 1;
    static constexpr unsigned shift(unsigned server) noexcept { return server % kEach * kBits; }

    std::array<Cell<std::uint64_t>, 6> words_;
  };

  Cell<std::uint64_t> key;  // tag << 38 | end << 32 | stamp of the last time it was sent; 0: free
  Cell<std::uint64_t> holders;  // a bit for each server
  Marks marks;
};
static_assert(sizeof(ResidencyPlace) == 64);

struct ResidencySet {
  std::array<ResidencyPlace, 2> places;
};

// Up to 64 servers are told apart; each holds what it was sent since `since`, and within the last
// `kKept` marks.
struct Holders {
  static constexpr std::size_t kMost = 64;
  static constexpr Mark kKept = 8;

  struct One {
    Cell<Stamp> since;
    Cell<Mark> mark;
  };
  std::array<One, kMost> all;
  Cell<std::uint64_t> used;  // bits that are somebody's
};

class Residency {
 public:
  // By bit: how many bytes of a prompt the server holds.
  using Lengths = std::array<std::uint32_t, Holders::kMost>;

  Residency(std::span<ResidencySet> sets, Holders& holders) noexcept
      : sets_(sets), holders_(holders) {}

  // What the server of that bit is taken to hold of a prompt.
  struct Held {
    std::uint32_t bytes = 0;
    Mark age = 0;  // marks since it was sent there last, at most Holders::kKept
  };
  // O(points).
  Held held(const Prompt& prompt, unsigned bit) const noexcept;
  // By which to choose one of the servers in `among`: what one was not sent of late it may have
  // dropped, so that counts for less, the older it is the more so. O(points).
  void expect(const Prompt& prompt, std::uint64_t among, Lengths& lengths) const noexcept;
  // The prompt goes to the server of that bit.
  void keep(const Prompt& prompt, unsigned bit, Stamp now) noexcept;

 private:
  ResidencySet& set_of(std::uint64_t digest) const noexcept;
  // Calls `found` with the bit of each server of `among` that has a beginning of it, and its Held.
  template <typename Found>
  void look_up(const Prompt& prompt, std::uint64_t among, Found found) const noexcept;
  Mark age_of(const ResidencyPlace& place, unsigned bit) const noexcept;
  // Of the place's holders, those of `among` that still have it.
  std::uint64_t still(const ResidencyPlace& place, std::uint64_t among) const noexcept;

  std::span<ResidencySet> sets_;
  Holders& holders_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PROMPT_RESIDENCY_H_
