// Turn: smooth weighted round robin, the order among equals.
#ifndef LEASTWISE_SRC_POLICIES_TURN_H_
#define LEASTWISE_SRC_POLICIES_TURN_H_

#include <algorithm>
#include <limits>
#include <span>

#include "advice.h"
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

// In the turn's own unit, so that fractions count.
inline std::int64_t turn_weight(const PickContext& context, MemberIndex member) noexcept {
  constexpr float kUnit = 1024;
  const float weight = state::effective_weight(context.record(member));
  return std::max(std::int64_t{1}, static_cast<std::int64_t>(kUnit * weight));
}

// Lets those with the least cost take turns.
inline void settle_tie(PickContext& context, const std::array<float, PickContext::kMost>& costs,
                       Choice& choice) noexcept {
  std::array<MemberIndex, PickContext::kMost> equals{};
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < context.candidates.count; ++i) {
    if (costs[i] == choice.score) equals[count++] = context.candidates.members[i];
  }
  const MemberIndex first = choice.member;
  choice.member = take_turn(context, {equals.data(), count}, [&](MemberIndex member) noexcept {
    return turn_weight(context, member);
  });
  if (choice.second == choice.member) choice.second = first;
}

// The member of least cost; equals take turns. `cost` takes a member and is called once
// for each. The runner-up comes along, for front ends that want a second choice.
template <typename Cost>
Choice pick_least(PickContext& context, Cost cost) noexcept {
  std::array<float, PickContext::kMost> costs;
  float best = std::numeric_limits<float>::infinity();
  float next = best;
  std::uint32_t best_at = 0;
  std::uint32_t next_at = 0;
  const std::uint32_t count = context.candidates.count;
  const MemberIndex* members = context.candidates.members.data();
  for (std::uint32_t i = 0; i < count; ++i) {
    const float c = cost(members[i]);
    costs[i] = c;
    if (c < best) {
      next = best;
      next_at = best_at;
      best = c;
      best_at = i;
    } else if (c < next) {
      next = c;
      next_at = i;
    }
  }
  Choice choice{.member = context.candidates.members[best_at], .score = best, .second_score = next};
  // Also when damaged memory gave no numbers: then any member but the first will do.
  if (count > 1) choice.second = context.candidates.members[next_at != best_at ? next_at : 1];
  if (next == best) settle_tie(context, costs, choice);
  return choice;
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_POLICIES_TURN_H_
