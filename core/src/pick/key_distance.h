// Key distance: which of the candidates a key belongs to.
#ifndef LEASTWISE_SRC_PICK_KEY_DISTANCE_H_
#define LEASTWISE_SRC_PICK_KEY_DISTANCE_H_

#include <cmath>
#include <cstdint>
#include <limits>

#include "leastwise/rng.h"
#include "memory/weight.h"
#include "pick/pick_context.h"

namespace leastwise {

// How far the key is from each candidate, by weight; the least is its own server.
//
// Up to 64 members by highest random weight (Thaler and Ravishankar 1998), here the lowest;
// with weights by the logarithm method (Schindelhauer and Schomaker 2005), which is exact. On
// the ring distances are exponential by themselves, so they are divided by the weight as they
// are: a server's share then follows its weight only roughly, and a little more than its own
// keys may move when it goes (at weights 1 to 3 and 100 servers, 0.6 % more).
//
// By the weight alone, not by what load reports make of it: keys would move to and fro.
class KeyDistance {
 public:
  KeyDistance(const PickContext& context, bool alike) noexcept
      : context_(context), key_(Rng(context.request.key).next()), alike_(alike) {}

  // Of candidate i; when that is not below `limit`, something else that is not.
  double operator()(std::uint32_t i, double limit) const noexcept {
    const MemberIndex member = context_.candidates[i];
    const double inverse = 1 / double{state::effective_weight(context_.record(member))};
    if (context_.candidates.by_ring) return context_.candidates.distances[i] * inverse;
    const std::uint64_t name = context_.record(member).name_hash.get();
    const double x = 0x1p-64 * static_cast<double>(Rng(key_ ^ name).next());
    // x ≤ -ln(1-x): most candidates need no logarithm.
    if (alike_ || x * inverse >= limit) return x * inverse;
    return -std::log(1 - x) * inverse;
  }

 private:
  const PickContext& context_;
  std::uint64_t key_;
  bool alike_;
};

// The candidate that the key belongs to. REQUIRES: there is one. O(candidates).
inline MemberIndex nearest_to_key(const PickContext& context) noexcept {
  constexpr bool kAlike = false;
  const KeyDistance distance(context, kAlike);
  double best = std::numeric_limits<double>::max();
  MemberIndex nearest = context.candidates[0];
  for (std::uint32_t i = 0; i < context.candidates.count(); ++i) {
    const double d = distance(i, best);
    if (!(d < best)) continue;
    best = d;
    nearest = context.candidates[i];
  }
  return nearest;
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_KEY_DISTANCE_H_
