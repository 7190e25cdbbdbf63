#include "policies/near_tie.h"

#include <algorithm>
#include <limits>

#include "pick/transit.h"

namespace leastwise {
namespace {

// Those whose turn it may be.
class Alike {
 public:
  void add(MemberIndex member, const Choice& choice) noexcept {
    members_[count_++] = member;
    has_choice_ |= member == choice.member;
  }
  // `weight` is that of a member, for its turn.
  template <typename Weight>
  bool take_turns(PickContext& context, Choice& choice, Weight weight) const noexcept {
    if (count_ < 2 || !has_choice_) return false;
    const MemberIndex first = choice.member;
    choice.member = take_turn(context, {members_.data(), count_}, weight);
    if (choice.second == choice.member) choice.second = first;
    return true;
  }

 private:
  std::array<MemberIndex, PickContext::kMost> members_;
  std::uint32_t count_ = 0;
  bool has_choice_ = false;
};

// The weight that the score goes by: what load reports make dearer has a smaller share.
std::int64_t weight_in_turn(const PickContext& context, MemberIndex member) noexcept {
  constexpr float kUnit = 1024;
  const float weight = kUnit / context.endpoint(member).inverse_weight.get();
  return std::max(std::int64_t{1}, static_cast<std::int64_t>(weight));
}

// In flight, but for those who do not queue.
std::uint32_t queue(const PickContext& context, MemberIndex member) noexcept {
  const state::Hot& endpoint = context.endpoint(member);
  const std::uint64_t word = endpoint.load.get();
  return at_server(endpoint, word, context.in_flight(member, word)).n;
}

}  // namespace

bool settle_near(PickContext& context, const CandidateCosts& costs, Choice& choice) noexcept {
  const std::span<const MemberIndex> all = context.all();
  const float near = choice.score * (1 + context.plan.near.get());
  const std::uint32_t most = queue(context, choice.member);
  Alike alike;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (costs.costs[i] <= near && queue(context, all[i]) <= most) alike.add(all[i], choice);
  }
  // All have the same, and a division for each would cost as much as the rest of the turn.
  const std::int64_t weight = weight_in_turn(context, choice.member);
  return alike.take_turns(context, choice, [weight](MemberIndex) noexcept { return weight; });
}

bool settle_by_weight(PickContext& context, const Score<float>& score, Choice& choice) noexcept {
  const std::span<const MemberIndex> all = context.all();
  CandidateCosts idle;
  float least = std::numeric_limits<float>::infinity();
  float in_flight = 1;  // this one
  float weights = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const state::Hot& endpoint = context.endpoint(all[i]);
    const float inverse = endpoint.inverse_weight.get();
    idle[i] = score(endpoint, 0, 0) / inverse;
    least = std::min(least, idle[i]);
    in_flight += static_cast<float>(queue(context, all[i]));
    weights += 1 / inverse;
  }
  const float near = least * (1 + context.plan.near.get());
  const float per_weight = in_flight / weights;
  Alike alike;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const float share = per_weight / context.endpoint(all[i]).inverse_weight.get();
    if (idle[i] <= near && static_cast<float>(queue(context, all[i])) < share + 1) {
      alike.add(all[i], choice);
    }
  }
  return alike.take_turns(context, choice, [&context](MemberIndex member) noexcept {
    return weight_in_turn(context, member);
  });
}

}  // namespace leastwise
