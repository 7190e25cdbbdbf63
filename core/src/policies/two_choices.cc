#include "policies/turn.h"

namespace leastwise {
namespace {

// Two are enough: the most loaded of n servers then holds O(log log n) more than the
// mean, against O(log n / log log n) for one (Mitzenmacher 2001), and processes with the
// same stale view do not all run to one server.
Choice pick(PickContext& context) noexcept {
  if (context.candidates.count == 1) return {.member = context.candidates.members[0]};
  // Draw the second from the others by leaving a hole at the first and stepping over it:
  // `>=`, not `==`, or the one after the hole would be drawn twice as often.
  const std::uint32_t first = context.rng.below(context.candidates.count);
  std::uint32_t second = context.rng.below(context.candidates.count - 1);
  if (second >= first) ++second;

  const auto load = [&](MemberIndex member) noexcept {
    return static_cast<float>(context.in_flight(member) + 1) *
           context.endpoint(member).inverse_weight.get();
  };
  const MemberIndex a = context.candidates.members[first];
  const MemberIndex b = context.candidates.members[second];
  const float load_a = load(a);
  const float load_b = load(b);
  if (load_b < load_a) {
    return {.member = b, .second = a, .score = load_b, .second_score = load_a};
  }
  return {.member = a, .second = b, .score = load_a, .second_score = load_b};
}

}  // namespace

extern const Policy two_choices_policy;
const Policy two_choices_policy = {
    "two_choices", "of two random servers the one with fewer requests in flight per weight",
    nullptr, pick};

}  // namespace leastwise
