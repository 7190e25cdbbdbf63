#include <limits>

#include "pick/key_distance.h"
#include "policies/least_conn.h"

namespace leastwise {
namespace {

// A server takes no more than so many times its part of what is in flight (Mirrokni, Thorup,
// Zadimoghaddam 2018, c = 1 + ε; also HAProxy's hash-balance-factor 125).
constexpr float kBound = 1.25F;

// How full the candidates may get.
class Bound {
 public:
  explicit Bound(const PickContext& context) noexcept {
    float in_flight = 0;
    float weights = 0;
    const float first = state::effective_weight(context.record(context.candidates[0]));
    for (const MemberIndex member : context.all()) {
      const float inverse = context.endpoint(member).inverse_weight.get();
      in_flight += static_cast<float>(context.in_flight(member));
      weights += 1 / inverse;
      alike_ = alike_ && state::effective_weight(context.record(member)) == first;
    }
    // One more each than in the paper: in a pool that is all but idle, two requests of one
    // key at once are no reason to leave its server.
    per_weight_ = kBound * (in_flight + static_cast<float>(context.candidates.count())) / weights;
  }

  bool alike() const noexcept { return alike_; }  // in weight
  bool allows(const PickContext& context, MemberIndex member) const noexcept {
    // The paper's ⌈ ⌉ is in the comparison: n < ⌈x⌉ where n < x.
    return static_cast<float>(context.in_flight(member)) <
           per_weight_ / context.endpoint(member).inverse_weight.get();
  }

 private:
  float per_weight_ = 0;
  bool alike_ = true;
};

// Without a key nothing is to be kept: least_conn.
Choice pick(PickContext& context) noexcept {
  if (context.request.key == 0) return pick_least_conn(context);
  const Bound bound(context);
  const KeyDistance distance(context, bound.alike());
  constexpr double kFar = std::numeric_limits<float>::max();
  double best = kFar;
  double next = kFar;
  Choice choice{.member = context.candidates[0]};
  for (std::uint32_t i = 0; i < context.candidates.count(); ++i) {
    const MemberIndex member = context.candidates[i];
    const double d = distance(i, next);
    if (!(d < next) || !bound.allows(context, member)) continue;
    if (d < best) {
      // On a ring one member may come up for several probes.
      if (best < kFar && choice.member != member) {
        next = best;
        choice.second = choice.member;
      }
      best = d;
      choice.member = member;
    } else if (member != choice.member) {
      next = d;
      choice.second = member;
    }
  }
  choice.score = static_cast<float>(best);
  if (choice.second != kNoMember) choice.second_score = static_cast<float>(next);
  return choice;
}

}  // namespace

extern const Policy hash_policy;
const Policy hash_policy = {
    .name = "hash",
    .summary = "each key to its own server, while that has at most 1.25 times its part in flight",
    .demand = nullptr,
    .pick = pick,
    .by_key = true};

}  // namespace leastwise
