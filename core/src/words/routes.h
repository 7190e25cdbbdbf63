// Routes: what a request of each kind costs.
#ifndef LEASTWISE_SRC_WORDS_ROUTES_H_
#define LEASTWISE_SRC_WORDS_ROUTES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/route.h"
#include "words/cell.h"
#include "words/packed.h"

namespace leastwise {

// A small open hash table that anybody may fill, so it must bear an attacker who makes up routes.
// A route that has a family (route.h) begins with its family's costs, and counts as its family
// where it has no slot: before the family was seen a few times, and when there is no room. When
// room is needed, those that were seen a few times only make it within seconds, and those that
// cost what their family costs at once: nothing is lost by that. One slot in kFamilyEvery is for
// families and for routes without one. Routes that have neither share kOther.
//
// find() and costs() by every process; the rest by the holder of the tick.
class Routes {
 public:
  static constexpr std::size_t kSlots = 256;
  static constexpr std::uint16_t kOther = kSlots;  // requests that are not told apart
  static constexpr std::uint32_t kFewSamples = 8;  // after which a family's costs are something
  static constexpr std::size_t kFamilyEvery = 4;

  // The slot of a route, claimed if it is new, or its family's; kOther for hash 0 or when there is
  // no room near its place. O(1).
  std::uint16_t find(std::uint64_t hash, const RouteName& name = {}) noexcept {
    // As most are. No slot has hash 0 and is anybody's.
    const std::size_t at = hash % kSlots;
    if (slots_[at].hash.get() == hash && hash != 0) [[likely]]
      return std::uint16_t(at);
    return look_for(hash, name);
  }

  Costs costs(std::uint16_t slot) const noexcept {
    return slot <= kOther ? costs::unpack(slots_[slot].costs.get()) : Costs{};
  }
  void set_costs(std::uint16_t slot, const Costs& c) noexcept {
    slots_[slot].costs.set(costs::pack(c));
  }
  std::uint32_t samples(std::uint16_t slot) const noexcept { return slots_[slot].samples.get(); }
  // The slot of the route's family; kOther: it has none.
  std::uint16_t family(std::uint16_t slot) const noexcept;
  // How much requests of one route differ in cost: the square of the standard deviation by the
  // mean.
  float spread(std::uint16_t slot) const noexcept { return stories_[slot].spread.get(); }
  void set_spread(std::uint16_t slot, float spread) noexcept { stories_[slot].spread.set(spread); }

  // Whether anything is known of it, to be shown.
  bool is_known(std::uint16_t slot) const noexcept {
    return samples(slot) > 0 || (slot < kSlots && slots_[slot].hash.get() != 0);
  }
  // What it is called, in printable ASCII, whatever memory holds: it may be half written, or empty
  // for good, when who claimed the slot died. `out` has room for Route::kMostText.
  std::size_t copy_name(std::uint16_t slot, char* out) const noexcept;

  // Counts a sample of the route; returns how many there were.
  std::uint32_t count(std::uint16_t slot, std::int64_t now_ms) noexcept;
  // Makes room of routes that were not seen of late, and of those that tell nothing when there is
  // little room.
  void expire(std::int64_t now_ms) noexcept;
  void clear() noexcept;
  void copy_from(const Routes& other) noexcept;

 private:
  static constexpr std::size_t kProbes = 8;
  static constexpr std::size_t kWords = (Route::kMostText + 8) / 8;
  struct Slot {
    Cell<std::uint64_t> hash;
    Cell<std::uint64_t> costs;
    Cell<std::int64_t> seen_ms;
    Cell<std::uint32_t> samples;
    Cell<std::uint32_t> family;  // slot + 1; 0 = none
  };
  // What no pick reads.
  struct Story {
    Cell<float> spread;
    std::array<Cell<std::uint64_t>, kWords> name;  // zeros behind
  };

  [[gnu::noinline]] std::uint16_t look_for(std::uint64_t hash, const RouteName& name) noexcept;
  std::uint16_t seek(std::uint64_t hash) const noexcept;
  std::uint16_t claim(std::uint64_t hash, std::string_view name, std::uint16_t family) noexcept;
  void set_name(std::uint16_t slot, std::string_view name) noexcept;
  bool tells_something(std::uint16_t slot) const noexcept;
  void free(std::uint16_t slot) noexcept;

  std::array<Slot, kSlots + 1> slots_;
  std::array<Story, kSlots + 1> stories_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_ROUTES_H_
