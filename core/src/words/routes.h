// Routes: what a request of each kind costs.
#ifndef LEASTWISE_SRC_WORDS_ROUTES_H_
#define LEASTWISE_SRC_WORDS_ROUTES_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "leastwise/outcome.h"
#include "leastwise/route.h"
#include "words/cell.h"
#include "words/packed.h"

namespace leastwise {

// What the requests of a route do at a server, as far as the answers of others tell.
enum class Stay : std::uint32_t {
  kShort = 0,  // nothing that the pool's usual requests do not
  kIdle = 1,   // they stay long, and delay nobody, as long as nothing says otherwise: long polls,
               // tunnels, streams of news
  kBusy = 2,   // they stay long, and who comes after them waits: token streams, reports
  kHarmless = 3,  // as kIdle, and the answers of others have shown it
};
constexpr bool is_idle(Stay stay) noexcept { return (static_cast<std::uint32_t>(stay) & 1) != 0; }

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
    Cell<Stay> stay;
    Cell<float> stayed;
    Cell<std::uint32_t> samples;
    Cell<std::uint32_t> family;  // slot + 1; 0 = none
    std::array<Cell<float>, kAnswerKinds> by_kind;
    Cell<float> pace;
    Cell<std::uint32_t> longs;
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
