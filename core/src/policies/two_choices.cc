#include "policies/pick_two.h"

namespace leastwise {
namespace {

Choice pick(PickContext& context) noexcept {
  return pick_two(context, [&](MemberIndex member) noexcept {
    return static_cast<float>(context.in_flight(member) + 1) *
           context.endpoint(member).inverse_weight.get();
  });
}

}  // namespace

extern const Policy two_choices_policy;
const Policy two_choices_policy = {
    "two_choices", "of two random servers the one with fewer requests in flight per weight",
    nullptr, pick};

}  // namespace leastwise
