#include "policies/least_conn.h"
#include "score.h"

namespace leastwise {
namespace {

void go_home(const PickContext& context, float score, Choice& choice) noexcept {
  choice = {.member = context.home,
            .second = choice.member,
            .score = score,
            .second_score = choice.score,
            .reason = Reason::kAffinity};
}

bool is_elsewhere(const PickContext& context, const Choice& choice) noexcept {
  return context.home != kNoMember && context.home != choice.member;
}

// The gain of the key's own server comes off its predicted delay, so that load can override it.
[[gnu::noinline]] void prefer_home(const PickContext& context, const Score& score,
                                   Choice& choice) noexcept {
  const state::Hot& endpoint = context.endpoint(context.home);
  const std::uint64_t word = endpoint.load.get();
  const std::uint32_t n = context.in_flight(context.home, word);
  const float gain =
      static_cast<float>(context.config.affinity.value) * context.plan.mean_cost.get();
  const float s = score(endpoint, word, n) - score.of_delay(gain, endpoint, n);
  if (s < choice.score) go_home(context, std::max(s, 0.0F), choice);
}

[[gnu::noinline]] Choice pick_unlearned(PickContext& context) noexcept {
  Choice choice = pick_least_conn(context);
  choice.reason = Reason::kUnlearned;
  if (!is_elsewhere(context, choice)) return choice;
  const std::uint32_t most = context.in_flight(choice.member) + 1;
  if (context.in_flight(context.home) <= most) go_home(context, choice.score, choice);
  return choice;
}

Choice pick_least_score(PickContext& context, const Score& score) noexcept {
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

Choice pick(PickContext& context) noexcept {
  if (context.plan.learned.get() == 0) [[unlikely]]
    return pick_unlearned(context);
  const Score score(context.plan, context.costs, milliseconds(context.now));
  Choice choice = pick_least_score(context, score);
  if (is_elsewhere(context, choice)) [[unlikely]]
    prefer_home(context, score, choice);
  return choice;
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
