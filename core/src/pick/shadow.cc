// Picker: a choice that is noted and not made, while the front end chooses (Config::observe).
#include <algorithm>
#include <cmath>

#include "leastwise/picker.h"
#include "pick/candidates.h"
#include "pick/transit.h"

namespace leastwise {
namespace {

using state::Shadowed;

// Seconds that this request would be expected to take there, behind n others of the mean cost: the
// same measure for what was chosen and for what was not.
float expected(const PickContext& context, MemberIndex member, std::uint32_t n) noexcept {
  const Plan& plan = context.plan;
  const state::Hot& endpoint = context.endpoint(member);
  const float cost = context.costs.cost;
  const float psi = plan.sharing.get();
  const float ahead = psi * cost + (1 - psi) * plan.mean_cost.get();
  const float g = endpoint.slowness.get();
  return endpoint.base.get() + (g > 0 ? g : plan.slowness.get()) * (cost + plan.wait_at(n) * ahead);
}

std::uint32_t queue(const PickContext& context, MemberIndex member, std::uint32_t n) noexcept {
  const state::Hot& endpoint = context.endpoint(member);
  return at_server(endpoint, endpoint.load.get(), n).n;
}

std::uint64_t micros(float seconds) noexcept {
  constexpr float kMost = 3600;
  return seconds > 0 ? static_cast<std::uint64_t>(std::min(seconds, kMost) * 1e6F) : 0;
}

// What it counts for where it would be, while it is where it is.
std::uint32_t part(float there, float here) noexcept {
  const float times = here > 0 ? there / here : 1;
  const float load = times * static_cast<float>(Shadowed::kOne);
  if (!(load >= 1)) return 1;
  return load < static_cast<float>(Shadowed::kMost) ? static_cast<std::uint32_t>(load + 0.5F)
                                                    : Shadowed::kMost;
}

}  // namespace

// What would be in flight at each member: those that keep a place only are where they are.
std::span<const std::uint32_t> Picker::count_shadow() noexcept {
  const state::Shared shared = pool_.shared();
  for (std::uint32_t m = 0; m < count_; ++m) {
    const std::size_t i = index(members_[m].id);
    const std::uint32_t load = shared.shadowed()[i].load.get();
    counts_[m] =
        (load + Shadowed::kOne / 2) / Shadowed::kOne + away::idle(shared.hot()[i].away.get());
  }
  return {counts_, count_};
}

// As pick(), but nothing is counted. kNoMember when nobody may be picked.
MemberIndex Picker::choose(PickContext& context, const Tried& tried) noexcept {
  const Policy& policy = context.config.chosen_policy();
  for (const Round& round : rounds_of(primaries_, count_)) {
    if (round.begin == round.end) continue;
    collect(context, {context, tried, round.barred, pool_.shared()->special.get() != 0},
            {.begin = round.begin,
             .end = round.end,
             .policy = policy,
             .ring = {ring_, count_ * RingPoint::kPerMember},
             .trees = nullptr,
             .turns = nullptr,
             .has_tree = false});
    if (context.candidates.count() == 0) continue;
    if (context.candidates.count() == 1) return context.candidates[0];
    return policy.pick(context).member;
  }
  return kNoMember;
}

Ticket Picker::watch(const Config& config, const Request& request, MemberIndex member,
                     const Tried& tried, TimePoint now, Would& would) noexcept {
  would = {};
  if (member >= count_) return {};
  Request as_if = request;
  as_if.in_flight = count_shadow();
  PickContext context = look(config, as_if, now);
  if (context.plan.learned.get() == 0) return adopt(config, request, member, now);
  const MemberIndex other = choose(context, tried);
  const std::uint32_t here_n = load::in_flight(context.endpoint(member).load.get());
  const float here = expected(context, member, queue(context, member, here_n));
  Ticket ticket = adopt(config, request, member, now);
  if (other == kNoMember || !ticket) return ticket;
  const float there = expected(context, other, queue(context, other, counts_[other]));
  would = {.member = other, .id = members_[other].id, .load = part(there, here)};

  const state::Shared shared = pool_.shared();
  Shadowed& chosen = shared.shadowed()[index(ticket.id)];
  chosen.sent.add(1);
  chosen.sent_us.add(micros(here));
  Shadowed& shadow = shared.shadowed()[index(would.id)];
  shadow.would.add(1);
  shadow.would_us.add(micros(there));
  shadow.load.add(would.load);
  const auto lane = static_cast<std::size_t>(slot_);
  state::ShadowBank& bank = shared->shadow.current(lane);
  bank.foreseen.add(1);
  bank.foreseen_micros.add(micros(here));
  state::ShadowLane& counts = shared->shadow.lanes[lane % state::Shadow::kLanes];
  counts.decisions.add(1);
  if (other != member) counts.differ.add(1);
  if (shared->note_next.get() != 0) {
    ticket.second = other != member ? other : kNoMember;
    note_decision(context, ticket);
  }
  return ticket;
}

}  // namespace leastwise
