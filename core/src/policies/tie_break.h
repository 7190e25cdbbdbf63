// Tie break: smooth weighted round robin, the order among equals.
#ifndef LEASTWISE_SRC_POLICIES_TIE_BREAK_H_
#define LEASTWISE_SRC_POLICIES_TIE_BREAK_H_

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>

#include "memory/weight.h"
#include "pick/pick_context.h"
#include "words/float4.h"

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

// Costs of the candidates, in their order. Not zeroed: they are made for each request.
struct CandidateCosts {
  CandidateCosts() noexcept {}
  float& operator[](std::size_t at) noexcept { return costs[at]; }
  std::array<float, PickContext::kMost> costs;
};

// Lets those with the least cost take turns.
inline void settle_tie(PickContext& context, const CandidateCosts& costs, Choice& choice) noexcept {
  const std::span<const MemberIndex> all = context.all();
  std::array<MemberIndex, PickContext::kMost> equals{};
  std::uint32_t count = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (costs.costs[i] == choice.score) equals[count++] = all[i];
  }
  const MemberIndex first = choice.member;
  choice.member = take_turn(context, {equals.data(), count}, [&](MemberIndex member) noexcept {
    return turn_weight(context, member);
  });
  if (choice.second == choice.member) choice.second = first;
}

// The least of the costs that it sees, and the next.
class LeastTwo {
 public:
  [[gnu::always_inline]] void see(std::size_t at, float cost) noexcept {
    if (cost < best_) {
      next_ = best_;
      next_at_ = best_at_;
      best_ = cost;
      best_at_ = at;
    } else if (cost < next_) {
      next_ = cost;
      next_at_ = at;
    }
  }
  // Those at `at` and the three after it, which are `four`: after the first few of them are less
  // than the next.
  [[gnu::always_inline]] void see(std::size_t at, Float4 four,
                                  const CandidateCosts& costs) noexcept {
    unsigned rest = less(four, next_);
    if (rest == kAllFour) {
      for (std::size_t k = 0; k < kFour; ++k) see(at + k, four[k]);
      return;
    }
    for (; rest != 0; rest &= rest - 1) {
      const std::size_t i = at + static_cast<std::size_t>(std::countr_zero(rest));
      see(i, costs.costs[i]);
    }
  }

  // Whether the next is within that share of the least.
  bool is_near(float share) const noexcept { return next_ <= best_ * (1 + share); }

  bool is_tie() const noexcept { return next_ == best_; }

  // The first of the least. The runner-up comes along, for front ends that want a second choice.
  [[gnu::always_inline]] Choice first(const PickContext& context) const noexcept {
    const std::span<const MemberIndex> all = context.all();
    Choice choice{.member = all[best_at_], .score = best_, .second_score = next_};
    // Also when damaged memory gave no numbers: then any member but the first will do.
    if (all.size() > 1) choice.second = all[next_at_ != best_at_ ? next_at_ : 1];
    return choice;
  }
  // The same, but equals take turns.
  [[gnu::always_inline]] Choice choose(PickContext& context,
                                       const CandidateCosts& costs) const noexcept {
    Choice choice = first(context);
    if (is_tie()) settle_tie(context, costs, choice);
    return choice;
  }

 private:
  float best_ = std::numeric_limits<float>::infinity();
  float next_ = best_;
  std::size_t best_at_ = 0;
  std::size_t next_at_ = 0;
};

// The member of least cost. `cost` takes a member and is called once for each.
template <typename Cost>
Choice pick_least(PickContext& context, Cost cost) noexcept {
  CandidateCosts costs;
  LeastTwo least;
  const std::span<const MemberIndex> members = context.all();
  for (std::size_t i = 0; i < members.size(); ++i) {
    costs[i] = cost(members[i]);
    least.see(i, costs[i]);
  }
  return least.choose(context, costs);
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_POLICIES_TIE_BREAK_H_
