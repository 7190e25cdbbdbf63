#include <algorithm>

#include "memory/demand.h"
#include "policies/tie_break.h"

namespace leastwise {
namespace {

constexpr float kUnit = 1024;  // of a weight in the turn, so that fractions count

float demand(const PickContext& context, MemberIndex member) noexcept {
  return state::demand(context.config, context.plan, context.endpoint(member),
                       context.record(member));
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
    "weighted",
    "in turn by demand: the configured weight, or that times what is learned or reported", demand,
    pick};

}  // namespace leastwise
