#include "pick/score.h"
#include "pick/transit.h"
#include "policies/least_conn.h"
#include "policies/near_tie.h"

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
[[gnu::noinline]] void prefer_home(const PickContext& context, Score<float> score,
                                   Choice& choice) noexcept {
  const state::Hot& endpoint = context.endpoint(context.home);
  const std::uint64_t word = endpoint.load.get();
  const AtServer there = at_server(endpoint, word, context.in_flight(context.home, word));
  const float gain =
      static_cast<float>(context.config.affinity.value) * context.plan.mean_cost.get();
  const float s = score(endpoint, there.word, there.n) - score.of_delay(gain, endpoint, there.n);
  if (s < choice.score) go_home(context, std::max(s, 0.0F), choice);
}

// Who fails at once looks idle, and by least_conn alone would get most of the first requests. One
// failure is none yet.
Choice pick_unlearned(PickContext& context) noexcept {
  constexpr float kFailing = 100;  // in flight more, when all of its requests fail
  constexpr float kOne = 0.06F;    // share of failures that one makes, and a little
  return pick_least(context, [&](MemberIndex member) noexcept {
    const state::Hot& endpoint = context.endpoint(member);
    const float share = error_now(endpoint.error.get(), milliseconds(context.now));
    const float failing =
        static_cast<float>(static_cast<std::uint32_t>(std::max(0.0F, kFailing * (share - kOne))));
    return (static_cast<float>(context.in_flight(member)) + failing) *
           endpoint.inverse_weight.get();
  });
}

// While the policy knows too little, or is not to choose.
[[gnu::noinline]] Choice pick_without(PickContext& context) noexcept {
  const bool is_unlearned = context.plan.learned.get() == 0;
  Choice choice = is_unlearned ? pick_unlearned(context) : pick_least_conn(context);
  choice.reason = is_unlearned ? Reason::kUnlearned : Reason::kSwitchback;
  if (!is_elsewhere(context, choice)) return choice;
  const std::uint32_t most = context.in_flight(choice.member) + 1;
  if (context.in_flight(context.home) <= most) go_home(context, choice.score, choice);
  return choice;
}

// `count` takes a member, its endpoint and its load word, and says what is at the server.
template <typename Count>
[[gnu::noinline]] float score_one(const PickContext& context, Score<float> score,
                                  MemberIndex member, Count count) noexcept {
  const state::Hot& endpoint = context.endpoint(member);
  const AtServer there = count(member, endpoint, endpoint.load.get());
  return score(endpoint, there.word, there.n);
}

template <typename Count>
[[gnu::always_inline]] inline FourEndpoints look_at_four(const PickContext& context,
                                                         const MemberIndex* members,
                                                         Count count) noexcept {
  const std::array four = {&context.endpoint(members[0]), &context.endpoint(members[1]),
                           &context.endpoint(members[2]), &context.endpoint(members[3])};
  const std::array there = {count(members[0], *four[0], four[0]->load.get()),
                            count(members[1], *four[1], four[1]->load.get()),
                            count(members[2], *four[2], four[2]->load.get()),
                            count(members[3], *four[3], four[3]->load.get())};
  return {four,
          {there[0].word, there[1].word, there[2].word, there[3].word},
          {there[0].n, there[1].n, there[2].n, there[3].n}};
}

template <typename Count>
Choice pick_least_score(PickContext& context, Count count) noexcept {
  const Score<float> score(context.plan, context.costs.cost, context.now);
  const ScoreOfFour score_four(score);
  const std::span<const MemberIndex> members = context.all();
  CandidateCosts costs;
  LeastTwo least;
  std::size_t i = 0;
  for (; i + kFour <= members.size(); i += kFour) {
    const FourEndpoints four = look_at_four(context, &members[i], count);
    if (!four.are_usual()) [[unlikely]] {
      for (std::size_t k = i; k < i + kFour; ++k) {
        costs[k] = score_one(context, score, members[k], count);
        least.see(k, costs[k]);
      }
      continue;
    }
    const Float4 scores = score_four(four);
    put_four(&costs[i], scores);
    least.see(i, scores, costs);
  }
  for (; i < members.size(); ++i) {
    const state::Hot& endpoint = context.endpoint(members[i]);
    const AtServer there = count(members[i], endpoint, endpoint.load.get());
    costs[i] = score(endpoint, there.word, there.n);
    least.see(i, costs[i]);
  }
  Choice choice = least.first(context);
  bool is_settled = false;
  if (context.plan.weighted.get() != 0) [[unlikely]] {
    is_settled = settle_by_weight(context, score, choice);
  } else if (least.is_near(context.plan.near.get())) {
    is_settled = settle_near(context, costs, choice);
  }
  if (least.is_tie() && !is_settled) settle_tie(context, costs, choice);
  if (is_elsewhere(context, choice)) [[unlikely]]
    prefer_home(context, score, choice);
  return choice;
}

// A place where answers begin later than at most endpoints is for when all others are full. By what
// was measured, however long ago, while any of that is believed: evidence that fades would else
// give it all that comes, as the one with the fewest in flight, until it has shown again that it is
// slow.
float with_slowness(float n, const state::Hot& endpoint, const Plan& plan) noexcept {
  constexpr float kApart = 1.3F;
  constexpr float kBelieved = 1.02F;
  constexpr float kLast = 1e6F;  // in flight more
  const float centre = plan.centre.get();
  if (!(endpoint.slowness.get() > kBelieved * centre)) return n;
  const Speed measured = speed::unpack(endpoint.speed.get());
  const float slower = measured.delay / (measured.work * centre);
  return slower > kApart ? n + kLast * slower : n;
}

// Who keeps its place for long, and may be in nobody's way: where the fewest are in flight, of
// those who do not fail; and where the answer begins soon, and the rest is known to delay nobody,
// where it begins soonest.
Choice pick_evenly(PickContext& context) noexcept {
  const std::int64_t now_ms = milliseconds(context.now);
  const bool begins_soon =
      context.stay == Stay::kHarmless && context.costs.slow < context.plan.long_time.get();
  return pick_least(context, [&](MemberIndex member) noexcept {
    const state::Hot& endpoint = context.endpoint(member);
    const float e = error_now(endpoint.error.get(), now_ms);
    auto n = static_cast<float>(context.in_flight(member) + 1);
    if (begins_soon) n = with_slowness(n, endpoint, context.plan);
    return with_failures(n, e, 1) * endpoint.inverse_weight.get();
  });
}

[[gnu::noinline]] Choice pick_special(PickContext& context) noexcept {
  if (context.plan.learned.get() == 0 || context.plan.chooser.get() != Chooser::kPolicy) {
    return pick_without(context);
  }
  if (is_idle(context.stay)) return pick_evenly(context);
  return pick_least_score(
      context, [&](MemberIndex member, const state::Hot& endpoint, std::uint64_t word) noexcept {
        return at_server(endpoint, word, context.in_flight(member, word));
      });
}

// What most picks are is told by one word; and whose count is in flight is asked once.
Choice pick(PickContext& context) noexcept {
  if (context.plan.plain.get() == 0 || !context.request.in_flight.empty() || is_idle(context.stay))
      [[unlikely]]
    return pick_special(context);
  return pick_least_score(
      context, [](MemberIndex, const state::Hot&, std::uint64_t word) noexcept -> AtServer {
        return {word, load::in_flight(word)};
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
