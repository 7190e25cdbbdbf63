#include "policies/tie_break.h"
#include "policies/time_cost.h"

namespace leastwise {
namespace {

Choice pick(PickContext& context) noexcept {
  const TimeCost cost(context);
  Choice choice = pick_least(context, cost);
  if (!cost.learned()) choice.reason = Reason::kUnlearned;
  return choice;
}

}  // namespace

extern const Policy least_time_policy;
const Policy least_time_policy = {
    .name = "least_time",
    .summary = "least peak answer time × (in flight + 1) / weight; equals take turns",
    .demand = nullptr,
    .pick = pick,
    .keeps_answer_time = true};

}  // namespace leastwise
