// Turns: whose turn it is in a large pool, exactly by weight, in O(log n).
//
// A tournament tree over the members by cost, then by when the next turn is due. Under policies
// that go by demand all cost the same, and each turn puts a member's next one off by 1 / demand in
// virtual time: earliest deadline first, so the shares are those of the demands and evenly spread.
// Under least_conn the cost is the number in flight per weight, and turns settle ties. A place is
// renewed where something happened, and one more with each pick, in a sweep: other processes, the
// tick and configurations change things as well, so what is first is looked at again before it is
// believed.
//
// Private to one thread; the memory is the Picker's.
#ifndef LEASTWISE_SRC_PICK_TURNS_H_
#define LEASTWISE_SRC_PICK_TURNS_H_

#include <algorithm>
#include <cstdint>
#include <limits>

#include "leastwise/picker.h"

namespace leastwise {

class Turns {
 public:
  static constexpr float kBarred = std::numeric_limits<float>::infinity();

  // `tree` holds 2 × members nodes; `now` is the virtual time.
  Turns(TurnPlace* places, MemberIndex* tree, std::uint32_t members, double& now) noexcept
      : places_(places), tree_(tree), size_(members), now_(now) {}

  const TurnPlace& at(MemberIndex m) const noexcept { return places_[m]; }
  bool is_before(MemberIndex a, MemberIndex b) const noexcept {
    const TurnPlace &x = places_[a], &y = places_[b];
    return x.cost < y.cost || (x.cost == y.cost && x.due < y.due);
  }

  // Puts member m at a random part of its first turn. Before the first use, once for each; then
  // grow().
  void begin(MemberIndex m, float demand) noexcept {
    places_[m] = {.due = phase(m) / static_cast<double>(demand), .cost = 0};
  }
  void grow() noexcept;

  MemberIndex first() const noexcept { return tree_[1]; }
  // The best of those that the first met on its way up; kNoMember when all others are barred.
  MemberIndex second() const noexcept;

  void set_cost(MemberIndex m, float cost) noexcept;
  // It has had its turn.
  void serve(MemberIndex m, float demand, float cost) noexcept;
  // Its demand or cost may have changed: its next turn is no later than demand allows.
  void renew(MemberIndex m, float demand, float cost) noexcept;

 private:
  static double phase(MemberIndex m) noexcept {
    const double x = 0.618033988749895 * m;
    return x - static_cast<double>(static_cast<std::int64_t>(x));
  }
  MemberIndex better(MemberIndex a, MemberIndex b) const noexcept {
    return is_before(b, a) ? b : a;
  }
  void put(MemberIndex m, const TurnPlace& place) noexcept;

  TurnPlace* places_;
  MemberIndex* tree_;
  std::uint32_t size_;  // members in the tree: those after them have places only
  double& now_;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_TURNS_H_
