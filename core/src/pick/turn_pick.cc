// Picks of a large pool under policies that go by turns: apart, so that others pay nothing for
// them.
#include "leastwise/picker.h"
#include "pick/candidates.h"

namespace leastwise {
namespace {

// Of a large pool: the order is that of the turns.
Choice next_in_turn(const Candidates& found) noexcept {
  return {.member = found[0], .second = found.count() > 1 ? found[1] : kNoMember};
}

}  // namespace

bool Picker::takes_turns(const Policy& policy) const noexcept {
  return places_ != nullptr && (policy.demand != nullptr || policy.by_count);
}

// The turn that was had, and the next place of the sweep.
void Picker::renew_turn(PickContext& context, MemberIndex served) noexcept {
  const Policy& policy = context.config.chosen_policy();
  Turns turns(places_, turn_tree_, primaries_ > Candidates::kMost ? primaries_ : 0, turn_now_);
  turns.serve(served, turn_demand(context, policy, served), turn_cost(context, policy, served));
  if (++cursor_ >= count_) cursor_ = 0;
  const Tried none;
  const bool may_be_picked = Filter{context, none, state::kBarred, true}(cursor_);
  turns.renew(cursor_, turn_demand(context, policy, cursor_),
              may_be_picked ? turn_cost(context, policy, cursor_) : Turns::kBarred);
}

// After an answer: there is one less in flight, and maybe a place below max_conns.
[[gnu::noinline]] void Picker::renew_place(const Config& config, MemberIndex member,
                                           TimePoint now) noexcept {
  if (member >= primaries_ || primaries_ <= Candidates::kMost) return;
  const Policy& policy = config.chosen_policy();
  const Request nobody{.in_flight = {}};  // the context refers to it
  PickContext context = look(config, nobody, now);
  const Tried none;
  if (!Filter{context, none, state::kBarred, true}(member)) return;
  Turns(places_, turn_tree_, primaries_, turn_now_)
      .set_cost(member, turn_cost(context, policy, member));
}

// As pick() does, but for the choice.
[[gnu::noinline]] void Picker::pick_in_turn(const Config& config, const Request& request,
                                            Tried& tried, TimePoint now, Ticket& ticket) noexcept {
  PickContext context = look(config, request, now);
  const Policy& policy = config.chosen_policy();
  Turns turns(places_, turn_tree_, primaries_, turn_now_);
  for (const Round& round : rounds_of(primaries_, count_)) {
    const bool is_large = round.end - round.begin > Candidates::kMost;
    for (int again = 0; again < 4 && round.begin != round.end; ++again) {
      collect(
          context, {context, tried, round.barred, true},
          {.begin = round.begin,
           .end = round.end,
           .policy = policy,
           .ring = {},
           .trees = nullptr,
           .turns = &turns,
           .has_tree = is_large && round.reason == Reason::kPolicy && request.in_flight.empty()});
      if (context.candidates.count() == 0) break;
      Choice choice = is_large ? next_in_turn(context.candidates) : policy.pick(context);
      if (round.reason != Reason::kPolicy) choice.reason = round.reason;
      if (!start(context, choice, ticket)) continue;
      if (is_noteworthy(pool_.shared(), choice.reason)) [[unlikely]]
        note(context, ticket);
      tried.insert(ticket.member);
      renew_turn(context, ticket.member);
      return;
    }
  }
}

}  // namespace leastwise
