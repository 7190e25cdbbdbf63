#include <algorithm>

#include "policies/turn.h"
#include "score.h"

namespace leastwise {
namespace {

constexpr float kUnit = 1024;     // of a weight in the turn, so that fractions count
constexpr float kMostRatio = 10;  // a learned speed moves a weight by so much at most

// The demand d_i of an endpoint; the share of requests it gets is d_i / Σ d_j.
std::int64_t demand(const PickContext& context, MemberIndex member) noexcept {
  const state::Hot& endpoint = context.endpoint(member);
  float d = endpoint.weight.get();
  if (context.config.demand == Demand::kSpeed && context.plan.learned.get() != 0) {
    const Speed s = speed::unpack(endpoint.speed.get());
    const float g = slowness(s, context.decay.left(s.epoch), context.plan);
    d *= std::clamp(context.plan.slowness.get() / g, 1 / kMostRatio, kMostRatio);
  }
  return std::max(std::int64_t{1}, static_cast<std::int64_t>(d * kUnit));
}

Choice pick(PickContext& context) noexcept {
  return {.member = take_turn(context, context.all(), [&](MemberIndex member) noexcept {
            return demand(context, member);
          })};
}

}  // namespace

extern const Policy weighted_policy;
const Policy weighted_policy = {
    "weighted", "in turn by demand: the configured weight, or that times the learned speed", true,
    pick};

}  // namespace leastwise
