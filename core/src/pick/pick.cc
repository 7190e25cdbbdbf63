// The hot half of Picker: the choice. What the answer teaches is in learn/finish.cc.
#include <algorithm>
#include <array>

#include "leastwise/picker.h"
#include "pick/candidates.h"
#include "pick/score.h"
#include "pick/transit.h"

namespace leastwise {
namespace {

// One attempt is sent to see whether it is back; until that answers, or for another
// fail_timeout, the others stay away.
void start_probe(state::Hot& endpoint, const state::Record& record, std::int64_t now_ms) noexcept {
  std::uint64_t word = endpoint.health.get();
  const std::uint32_t max_fails = record.max_fails.get();
  Health h = health::unpack(word);
  if (word == 0 || max_fails == 0 || h.fails < max_fails) return;
  h.probing = true;
  h.until_ms = now_ms + record.fail_timeout_ms.get();
  // When another process was faster, two probes are on their way: no harm.
  endpoint.health.replace(word, health::pack(h));
}

// Adds to the load, but never above max_conns; nothing for who is not counted.
bool take_place(state::Hot& endpoint, std::uint64_t added) noexcept {
  const std::uint32_t limit = endpoint.max_conns.get();
  if (limit == 0) [[likely]] {
    endpoint.load.add(added);
    return true;
  }
  std::uint64_t word = endpoint.load.get();
  do {
    if (load::in_flight(word) >= limit) return false;
  } while (!endpoint.load.replace(word, word + added));
  return true;
}

// Seconds for which others wait for a request that stays long.
[[gnu::noinline, gnu::cold]] float work_of_guest(const Routes& routes, std::uint16_t route,
                                                 float cost) noexcept {
  return is_idle(routes.stay(route)) ? 0 : std::max(cost, routes.stayed(route));
}

void note_guests(Ticket& ticket, std::uint32_t word, const state::Hot& endpoint) noexcept {
  constexpr std::uint32_t kMost = 0xffff;
  ticket.guest = guests::route(word);
  ticket.guests = static_cast<std::uint16_t>(std::min(guests::count(word), kMost));
  ticket.idle = static_cast<std::uint16_t>(std::min(away::idle(endpoint.away.get()), kMost));
}

// A request that takes its time whatever its server does tells nothing of the server by it.
void be_guest(Ticket& ticket, const PickContext& context, state::Hot& endpoint,
              state::Record& record, const Routes& routes) noexcept {
  if (ticket.load != 0) state::enter(endpoint, record, ticket, context.stay);
  const float cost = routes.costs(context.route).cost;
  if (!is_idle(context.stay) || !(cost > context.plan.long_time.get())) return;
  ticket.cost = cost;
  ticket.predicted = 0;
  ticket.delay = endpoint.base.get() + cost;
}

[[gnu::noinline, gnu::cold]] void note_stays(Ticket& ticket, const PickContext& context,
                                             state::Hot& endpoint, state::Record& record,
                                             const Routes& routes) noexcept {
  if (const std::uint32_t word = record.guests.get(); word != 0) {
    note_guests(ticket, word, endpoint);
  }
  if (context.stay != Stay::kShort) be_guest(ticket, context, endpoint, record, routes);
}

}  // namespace

// What a policy may look at, all but the candidates.
PickContext Picker::look(const Config& config, const Request& request, TimePoint now) noexcept {
  const state::Shared shared = pool_.shared();
  const Plan& plan = shared->plan();
  const std::uint16_t route = shared->routes.find(request.route, request.name);
  Costs costs = shared->routes.costs(route);
  if (!(costs.cost > 0)) costs.cost = plan.mean_cost.get();
  const Stay stay = shared->routes.stay(route);
  float work = costs.cost;
  if (stay != Stay::kShort) [[unlikely]] {
    work = work_of_guest(shared->routes, route, costs.cost);
    // For the trees: who only waits is one of the many.
    if (is_idle(stay)) costs.cost = std::min(costs.cost, plan.mean_cost.get());
  }
  return {.config = config,
          .request = request,
          .plan = plan,
          .endpoints = shared.hot(),
          .records = shared.records(),
          .members = members(),
          .turn = turn_,
          .rng = rng_,
          .now = now,
          .route = route,
          .costs = costs,
          .stay = stay,
          .work = work,
          .pool = pool_};
}

// flatten: what pick_in_turn() and adopt() share with it would else cost 78 instructions in calls.
[[gnu::flatten]] Ticket Picker::pick(const Config& config, const Request& request, Tried& tried,
                                     TimePoint now) noexcept {
  Ticket ticket;  // is filled in place: to copy it costs 18 instructions
  if (places_ != nullptr && takes_turns(config.chosen_policy())) [[unlikely]] {
    pick_in_turn(config, request, tried, now, ticket);
    return ticket;
  }
  const state::Shared shared = pool_.shared();
  PickContext context = look(config, request, now);
  const Policy& policy = config.chosen_policy();
  ScoreTrees trees(trees_, primaries_);
  const bool by_score = keeps_trees(config) && request.in_flight.empty() &&
                        context.plan.chooser.get() == Chooser::kPolicy && are_trees_grown(now);
  for (const Round& round : rounds_of(primaries_, count_)) {
    // A place may be taken by another process between the look and the step: try again.
    for (int again = 0; again < 4 && round.begin != round.end; ++again) {
      collect(context, {context, tried, round.barred, shared->special.get() != 0},
              {.begin = round.begin,
               .end = round.end,
               .policy = policy,
               .ring = {ring_, count_ * RingPoint::kPerMember},
               .trees = by_score && round.reason == Reason::kPolicy ? &trees : nullptr,
               .turns = nullptr,
               .has_tree = false});
      if (context.candidates.count() == 0) break;
      Choice choice = context.candidates.count() == 1
                          ? Choice{.member = context.candidates[0], .reason = Reason::kOnly}
                          : policy.pick(context);
      if (round.reason != Reason::kPolicy) choice.reason = round.reason;
      if (!start(context, choice, ticket)) continue;
      if (is_noteworthy(shared, choice.reason)) [[unlikely]]
        note(context, ticket);
      tried.insert(ticket.member);
      if (by_score) renew_leaves(ticket, now);
      return ticket;
    }
  }
  return ticket;
}

bool Picker::keeps_trees(const Config& config) const noexcept {
  return trees_ != nullptr && config.chosen_policy().by_score;
}

// False until every leaf was looked at since the pool has learned: a few with each pick.
bool Picker::are_trees_grown(TimePoint now) noexcept {
  constexpr std::uint32_t kAtOnce = 32;
  if (pool_.shared()->plan().learned.get() == 0) {
    swept_ = 0;
    return false;
  }
  if (swept_ >= primaries_) return true;
  const std::uint32_t to = std::min(primaries_, swept_ + kAtOnce);
  for (; swept_ < to; ++swept_) renew_leaves(std::array{swept_}, now);
  return false;
}

void Picker::renew_leaves(std::span<const MemberIndex> members, TimePoint now) noexcept {
  const state::Shared shared = pool_.shared();
  ScoreTrees trees(trees_, primaries_);
  const auto score = ScoreTrees::score_for(shared->plan(), now);
  const float near = shared->plan().near.get();
  for (const MemberIndex m : members) {
    if (m >= primaries_) continue;  // a backup, or none
    trees.renew(m, shared.hot()[index(members_[m].id)], score, state::kBarred, near, rng_);
  }
}

// The member's own leaf and the next of the sweep, in which numbers from primaries_ on are the
// second round and all after it.
void Picker::renew_leaves(const Ticket& ticket, TimePoint now) noexcept {
  renew_leaves(std::array{ticket.member, swept_ - primaries_}, now);
  if (++swept_ == 2 * primaries_) swept_ = primaries_;
}

Ticket Picker::adopt(const Config& config, const Request& request, MemberIndex member,
                     TimePoint now) noexcept {
  Ticket ticket;
  if (member >= count_) return ticket;
  PickContext context = look(config, request, now);
  if (start(context, {.member = member, .reason = Reason::kFrontEnd}, ticket)) {
    note(context, ticket);
  }
  return ticket;
}

// Counts the attempt and writes down what was predicted, since finish() learns from the
// difference and must take away exactly what was added.
bool Picker::start(PickContext& context, const Choice& choice, Ticket& ticket) noexcept {
  const EndpointId id = members_[choice.member].id;
  state::Hot& endpoint = context.endpoints[index(id)];
  const Plan& plan = context.plan;
  const std::uint64_t before = endpoint.load.get();
  const std::uint32_t n = context.in_flight(choice.member, before);
  const AtServer there = at_server(endpoint, before, n);
  const float cost = context.costs.cost;
  const bool is_counted = slot_ != kNoSlot;
  const std::uint64_t added = is_counted ? load::of(context.work, before) : 0;
  if (choice.reason == Reason::kFrontEnd) {
    endpoint.load.add(added);
  } else if (!take_place(endpoint, added)) {
    return false;
  }
  // After the load: who dies in between leaves a place taken, not one too many to give.
  if (is_counted) [[likely]]
    pool_.shared().ledger(slot_)[index(id)].add(1);
  state::Record& record = context.records[index(id)];
  record.picks.add(1);
  if (endpoint.health.get() != 0) [[unlikely]] {
    start_probe(endpoint, record, milliseconds(context.now));
  }

  const float found = record.trial.get();
  const bool is_trial = found > 0;
  if (is_trial) [[unlikely]] {
    record.trial.set(0);
    endpoint.slowness.set(found);  // for all others, until this one's answer
  }

  const float m = mean_ahead(there.word, there.n, plan.mean_cost.get());
  const float psi = plan.sharing.get();
  ticket.member = choice.member;
  ticket.second = choice.second;
  ticket.id = id;
  ticket.in_flight = n;
  ticket.at_server = there.n;
  ticket.load = added;
  ticket.start = context.now;
  ticket.cost = cost;
  ticket.slow_cost = context.costs.slow;
  ticket.mean_ahead = m;
  ticket.ahead = psi * cost + (1 - psi) * m;
  ticket.wait = plan.wait_at(there.n);
  ticket.predicted = cost + ticket.wait * ticket.ahead;
  const float g = endpoint.slowness.get();
  ticket.delay = endpoint.base.get() + (g > 0 ? g : plan.slowness.get()) * ticket.predicted;
  ticket.score = choice.score;
  ticket.second_score = choice.second_score;
  ticket.route = context.route;
  ticket.reason = choice.reason;
  ticket.is_trial = is_trial;
  if ((record.guests.get() | static_cast<std::uint32_t>(context.stay)) != 0) [[unlikely]]
    note_stays(ticket, context, endpoint, record, pool_.shared()->routes);
  if (pool_.has_residency()) [[unlikely]]
    begin_prompt(context, ticket);
  return true;
}

}  // namespace leastwise
