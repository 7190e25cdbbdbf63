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
  const state::Hot* endpoints = context.endpoints.data();
  const Member* members = context.members.data();
  // Twice, since whose count is in flight is the same for all, and this is the hot loop.
  if (context.request.in_flight.empty()) {
    return pick_least(context, [=, &score](MemberIndex member) noexcept {
      const state::Hot& endpoint = endpoints[index(members[member].id)];
      const std::uint64_t word = endpoint.load.get();
      return score(endpoint, word, load::in_flight(word));
    });
  }
  return pick_least(context, [=, &score, &context](MemberIndex member) noexcept {
    const state::Hot& endpoint = endpoints[index(members[member].id)];
    const std::uint64_t word = endpoint.load.get();
    return score(endpoint, word, context.in_flight(member, word));
  });
}

}  // namespace

extern const Policy adaptive_policy;
const Policy adaptive_policy = {
    .name = "adaptive",
    .summary = "least predicted delay, learned from the answers, for this request and for others",
    .demand = nullptr,
    .pick = pick,
    .by_score = true};

}  // namespace leastwise
