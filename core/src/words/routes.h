// Routes: what a request of each kind costs.
#ifndef LEASTWISE_SRC_WORDS_ROUTES_H_
#define LEASTWISE_SRC_WORDS_ROUTES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/outcome.h"
#include "words/cell.h"
#include "words/packed.h"

namespace leastwise {

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

  // The same of one kind of its answers: x_rk. 0 = unknown.
  float cost_of(std::uint16_t slot, AnswerKind kind) const noexcept {
    if (slot > kOther) return 0;
    const float cost = slots_[slot].by_kind[static_cast<std::size_t>(kind)].get();
    return cost > 0 && cost < 1e7F ? cost : 0;  // damaged memory may hold anything
  }
  void set_cost_of(std::uint16_t slot, AnswerKind kind, float cost) noexcept {
    slots_[slot].by_kind[static_cast<std::size_t>(kind)].set(cost);
  }

  // Seconds that a second of work for full answers takes of late, on the mean server. 0 = unknown.
  float pace(std::uint16_t slot) const noexcept {
    const float pace = slot <= kOther ? slots_[slot].pace.get() : 0;
    return pace > 0 && pace < 1e7F ? pace : 0;
  }
  void set_pace(std::uint16_t slot, float pace) noexcept { slots_[slot].pace.set(pace); }
  // What a full answer takes without waiting, in seconds as they pass. 0 = unknown.
  float full_time(std::uint16_t slot) const noexcept {
    return pace(slot) * cost_of(slot, AnswerKind::kFull);
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
    Cell<std::uint32_t> samples;
    std::array<Cell<float>, kAnswerKinds> by_kind;
    Cell<float> pace;
  };
  std::array<Slot, kSlots + 1> slots_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_ROUTES_H_
