#include "policies/tie_break.h"

namespace leastwise {
namespace {

float demand(const PickContext& context, MemberIndex member) noexcept {
  return state::effective_weight(context.record(member));
}

Choice pick(PickContext& context) noexcept {
  return {.member = take_turn(context, context.all(), [&](MemberIndex member) noexcept {
            return turn_weight(context, member);
          })};
}

}  // namespace

extern const Policy round_robin_policy;
const Policy round_robin_policy = {
    "round_robin", "each server in turn, by weight, in nginx's smooth order", demand, pick};

}  // namespace leastwise
