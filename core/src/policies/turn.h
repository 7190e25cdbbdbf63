// Turn: smooth weighted round robin, the order among equals.
#ifndef LEASTWISE_SRC_POLICIES_TURN_H_
#define LEASTWISE_SRC_POLICIES_TURN_H_

#include <span>

#include "pick_context.h"

namespace leastwise {

// nginx's order: each member gains its weight, the one with the most credit is picked
// and pays what all gained; 5:1:1 gives a a b a c a a. `weight` takes a member and
// returns a positive integer. The credit is this thread's own, as under nginx without
// a shared zone: several processes each keep their own turn.
template <typename Weight>
MemberIndex take_turn(PickContext& context, std::span<const MemberIndex> among,
                      Weight weight) noexcept {
  MemberIndex best = among[0];
  std::int64_t total = 0;
  bool first = true;
  for (const MemberIndex member : among) {
    const std::int64_t gain = weight(member);
    context.turn[member] += gain;
    total += gain;
    if (first || context.turn[member] > context.turn[best]) best = member;
    first = false;
  }
  context.turn[best] -= total;
  return best;
}

inline std::int64_t static_weight(const PickContext& context, MemberIndex member) noexcept {
  return static_cast<std::int64_t>(context.endpoint(member).weight.get());
}

// The member of least cost; equals take turns. `cost` takes a member and is called once
// for each. The runner-up comes along, for front ends that want a second choice.
template <typename Cost>
Choice pick_least(PickContext& context, Cost cost) noexcept {
  std::array<MemberIndex, PickContext::kMost> equals;
  std::uint32_t count = 0;
  Choice choice{.member = context.candidates[0], .score = 0};
  for (const MemberIndex member : context.all()) {
    const float c = cost(member);
    if (count > 0 && !(c < choice.score)) {
      if (c == choice.score) {
        equals[count++] = member;
      }
      if (choice.second == kNoMember || c < choice.second_score) {
        choice.second = member;
        choice.second_score = c;
      }
      continue;
    }
    if (count > 0) {
      choice.second = choice.member;
      choice.second_score = choice.score;
    }
    choice.member = member;
    choice.score = c;
    equals[0] = member;
    count = 1;
  }
  if (count > 1) {
    choice.member = take_turn(context, {equals.data(), count}, [&](MemberIndex member) noexcept {
      return static_weight(context, member);
    });
    if (choice.second == choice.member) choice.second = equals[0];
  }
  return choice;
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_POLICIES_TURN_H_
