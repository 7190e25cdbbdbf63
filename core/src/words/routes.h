// Routes: what a request of each kind costs.
#ifndef LEASTWISE_SRC_WORDS_ROUTES_H_
#define LEASTWISE_SRC_WORDS_ROUTES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "words/cell.h"
#include "words/packed.h"

namespace leastwise {

// What the requests of a route do at a server, as far as the answers of others tell.
enum class Stay : std::uint32_t {
  kShort,  // nothing that the pool's usual requests do not
  kIdle,   // they stay long, and delay nobody: long polls, tunnels, streams of news
  kBusy,   // they stay long, and who comes after them waits: token streams, reports
};

// A small open hash table that anybody may fill, so it must bear an attacker who makes
// up routes: those without room share one slot, kOther, and a route that was seen a few
// times only makes room within seconds (expire()).
//
// find() and costs() by every process; the rest by the holder of the tick.
class Routes {
 public:
  static constexpr std::size_t kSlots = 256;
  static constexpr std::uint16_t kOther = kSlots;  // requests that are not told apart

  // The slot of a route, claimed if it is new; kOther for hash 0 or when there is no
  // room near its place. O(1).
  std::uint16_t find(std::uint64_t hash) noexcept;

  Costs costs(std::uint16_t slot) const noexcept {
    return slot <= kOther ? costs::unpack(slots_[slot].costs.get()) : Costs{};
  }
  void set_costs(std::uint16_t slot, const Costs& c) noexcept {
    slots_[slot].costs.set(costs::pack(c));
  }

  Stay stay(std::uint16_t slot) const noexcept {
    return slot <= kOther ? slots_[slot].stay.get() : Stay::kShort;
  }
  void set_stay(std::uint16_t slot, Stay stay) noexcept { slots_[slot].stay.set(stay); }
  // Seconds for which a request keeps its place, where that is more than its answer takes; 0 = not
  // known to be.
  float stayed(std::uint16_t slot) const noexcept {
    return slot <= kOther ? slots_[slot].stayed.get() : 0;
  }
  void set_stayed(std::uint16_t slot, float seconds) noexcept { slots_[slot].stayed.set(seconds); }
  // How often requests stayed long of late, and others did not: a few at most.
  std::uint32_t longs(std::uint16_t slot) const noexcept { return slots_[slot].longs.get(); }
  void set_longs(std::uint16_t slot, std::uint32_t longs) noexcept {
    slots_[slot].longs.set(longs);
  }

  // Counts a sample of the route; returns how many there were.
  std::uint32_t count(std::uint16_t slot, std::int64_t now_ms) noexcept;
  // Makes room of routes that were not seen of late.
  void expire(std::int64_t now_ms) noexcept;
  void clear() noexcept;
  void copy_from(const Routes& other) noexcept;

 private:
  static constexpr std::size_t kProbes = 8;
  struct Slot {
    Cell<std::uint64_t> hash;
    Cell<std::uint64_t> costs;
    Cell<std::int64_t> seen_ms;
    Cell<Stay> stay;
    Cell<float> stayed;
    Cell<std::uint32_t> samples;
    Cell<std::uint32_t> longs;

    void forget() noexcept;
  };
  std::array<Slot, kSlots + 1> slots_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_ROUTES_H_
