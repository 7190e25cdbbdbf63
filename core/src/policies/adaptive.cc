#include "policies/least_conn.h"
#include "score.h"

namespace leastwise {
namespace {

Choice pick(PickContext& context) noexcept {
  if (context.plan.learned.get() == 0) {
    Choice choice = pick_least_conn(context);
    choice.reason = Reason::kUnlearned;
    return choice;
  }
  const Score score(context.plan, context.costs, milliseconds(context.now));
  return pick_least(context, [&](MemberIndex member) noexcept {
    const state::Hot& endpoint = context.endpoint(member);
    const std::uint64_t word = endpoint.load.get();
    return score(endpoint, word, context.in_flight(member, word));
  });
}

}  // namespace

extern const Policy adaptive_policy;
const Policy adaptive_policy = {
    "adaptive", "least predicted delay, learned from the answers, for this request and for others",
    nullptr, pick};

}  // namespace leastwise
