#include <algorithm>

#include "policies/turn.h"
#include "score.h"

namespace leastwise {
namespace {

constexpr float kUnit = 1024;        // of a weight in the turn, so that fractions count
constexpr float kMost = 4;           // a learned speed moves a weight up by so much at most,
constexpr float kLeast = 1.0F / 16;  // and down by so much

// The demand d_i of an endpoint; the share of requests it gets is d_i / Σ d_j.
float demand(const PickContext& context, MemberIndex member) noexcept {
  const state::Hot& endpoint = context.endpoint(member);
  const auto weight = state::effective_weight(context.record(member));
  if (context.config.demand == Demand::kStatic || context.plan.learned.get() == 0) return weight;
  const float g = endpoint.slowness.get();
  if (!(g > 0)) return weight;
  return weight * std::clamp(context.plan.slowness.get() / g, kLeast, kMost);
}

Choice pick(PickContext& context) noexcept {
  return {.member = take_turn(context, context.all(), [&](MemberIndex member) noexcept {
            return std::max(std::int64_t{1},
                            static_cast<std::int64_t>(kUnit * demand(context, member)));
          })};
}

}  // namespace

extern const Policy weighted_policy;
const Policy weighted_policy = {
    "weighted", "in turn by demand: the configured weight, or that times the learned speed", demand,
    pick};

}  // namespace leastwise
