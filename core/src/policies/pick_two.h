// Pick two: the power of two choices, for any cost.
//
// Two are enough: the most loaded of n servers then holds O(log log n) more than the mean,
// against O(log n / log log n) for one (Mitzenmacher 2001), and processes with the same
// stale view do not all run to one server.
#ifndef LEASTWISE_SRC_POLICIES_PICK_TWO_H_
#define LEASTWISE_SRC_POLICIES_PICK_TWO_H_

#include "pick/pick_context.h"

namespace leastwise {

// The cheaper of two candidates drawn at random. `cost` takes a member.
template <typename Cost>
Choice pick_two(PickContext& context, Cost cost) noexcept {
  if (context.candidates.count() == 1) return {.member = context.candidates[0]};
  // Draw the second from the others by leaving a hole at the first and stepping over it:
  // `>=`, not `==`, or the one after the hole would be drawn twice as often.
  const std::uint32_t first = context.rng.below(context.candidates.count());
  std::uint32_t second = context.rng.below(context.candidates.count() - 1);
  if (second >= first) ++second;

  const MemberIndex a = context.candidates[first];
  const MemberIndex b = context.candidates[second];
  const float cost_a = cost(a);
  const float cost_b = cost(b);
  if (cost_b < cost_a) {
    return {.member = b, .second = a, .score = cost_b, .second_score = cost_a};
  }
  return {.member = a, .second = b, .score = cost_a, .second_score = cost_b};
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_POLICIES_PICK_TWO_H_
