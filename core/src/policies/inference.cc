#include "pick/prompt_cost.h"
#include "pick/score.h"
#include "policies/least_conn.h"
#include "words/estimates.h"

namespace leastwise {
namespace {

// Of servers that are too alike to prefer one, the same for all prompts that begin alike: several
// balancers then fill one cache with them, not each another one.
constexpr float kNear = 0.02F;
constexpr float kNearSeconds = 1e-3F;

// Rendezvous hashing.
std::uint64_t affinity(const PickContext& context, MemberIndex member,
                       std::uint64_t digest) noexcept {
  Rng rng(context.record(member).name_hash.get() ^ digest);
  return rng.next();
}

Choice pick(PickContext& context) noexcept {
  const auto members = context.all();
  const state::Prompts prompts = context.prompts();
  if (!prompts) return pick_least_conn(context);
  const Readers readers(context, prompts);
  const float usual = context.plan.mean_cost.get();
  CandidateCosts costs;
  LeastTwo least;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const state::Hot& endpoint = context.endpoint(members[i]);
    float cost = readers.cost(i) + endpoint.handicap.get();
    if (const std::uint64_t word = endpoint.error.get(); word != 0) [[unlikely]] {
      cost = with_failures(cost, error_now(word, milliseconds(context.now)), usual);
    }
    costs[i] = cost * endpoint.inverse_weight.get();
    least.see(i, costs[i]);
  }
  Choice choice = least.first(context);
  const Prompt* prompt = context.request.prompt;
  if (prompt == nullptr || prompt->points == 0) return least.choose(context, costs);
  const float most = choice.score * (1 + kNear) + kNearSeconds;
  std::uint64_t best = 0;
  const MemberIndex first = choice.member;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (costs[i] > most) continue;
    const std::uint64_t value = affinity(context, members[i], prompt->digest(0)) | 1;
    if (value <= best) continue;
    best = value;
    choice.member = members[i];
    choice.score = costs[i];
  }
  if (choice.second == choice.member) choice.second = first;
  return choice;
}

}  // namespace

extern const Policy inference_policy;
const Policy inference_policy = {
    .name = "inference",
    .summary =
        "model servers: fewest seconds to the first token by what each has to read and has "
        "cached, and by what that costs others",
    .demand = nullptr,
    .pick = pick,
    .by_prompt = true};

}  // namespace leastwise
