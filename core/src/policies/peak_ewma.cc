#include "policies/pick_two.h"
#include "policies/time_cost.h"

namespace leastwise {
namespace {

Choice pick(PickContext& context) noexcept {
  const TimeCost cost(context);
  Choice choice = pick_two(context, cost);
  if (!cost.learned()) choice.reason = Reason::kUnlearned;
  return choice;
}

}  // namespace

extern const Policy peak_ewma_policy;
const Policy peak_ewma_policy = {
    .name = "peak_ewma",
    .summary =
        "of two random servers the one with less peak answer time × (in flight + 1) / weight",
    .demand = nullptr,
    .pick = pick,
    .keeps_answer_time = true};

}  // namespace leastwise
