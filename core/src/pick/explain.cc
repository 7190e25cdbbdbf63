// Picker: writes a decision down, for the status. Asked for by the tick, about twice a second,
// whatever the number of picks: none of them pays for it but one.
#include <algorithm>

#include "leastwise/picker.h"
#include "pick/candidates.h"
#include "pick/score.h"
#include "pick/transit.h"

namespace leastwise {
namespace {

using Party = state::NotedDecision::Party;

constexpr std::uint32_t kMostLookedAt = 256;
constexpr float kDearByReport = 1.1F;

constexpr std::string_view kLeftOutNames[kLeftOuts] = {
    "",     "down",  "draining", "outlier", "probe",     "max_fails",
    "full", "tried", "errors",   "report",  "slow_start"};

struct Found {
  LeftOut why = LeftOut::kNot;
  float figure = 0;
};

// Seconds that this request would be expected to take there, as start() says it of who is picked.
float expected(const PickContext& context, MemberIndex member) noexcept {
  const Plan& plan = context.plan;
  if (plan.learned.get() == 0) return 0;
  const state::Hot& endpoint = context.endpoint(member);
  const std::uint64_t word = endpoint.load.get();
  const AtServer there = at_server(endpoint, word, context.in_flight(member, word));
  const float psi = plan.sharing.get();
  const float cost = context.costs.cost;
  const float m = mean_ahead(there.word, there.n, plan.mean_cost.get());
  const float g = endpoint.slowness.get();
  return endpoint.base.get() + (g > 0 ? g : plan.slowness.get()) *
                                   (cost + plan.wait_at(there.n) * (psi * cost + (1 - psi) * m));
}

// What bars it, or else what makes it dear.
Found why_left_out(const PickContext& context, MemberIndex member) noexcept {
  const state::Hot& endpoint = context.endpoint(member);
  const state::Record& record = context.record(member);
  const std::uint32_t flags = endpoint.flags.get();
  const std::int64_t now_ms = milliseconds(context.now);
  if ((flags & kDown) != 0) return {LeftOut::kDown};
  if ((flags & state::kEjected) != 0) return {LeftOut::kOutlier};
  if ((flags & (state::kProbeBarred | state::kUnproven)) != 0) return {LeftOut::kProbe};
  if (out_of_service(endpoint, record, now_ms)) return {LeftOut::kMaxFails};
  if ((flags & kDraining) != 0) return {LeftOut::kDraining};
  const std::uint32_t limit = endpoint.max_conns.get();
  if (limit != 0 && context.in_flight(member) >= limit) return {LeftOut::kFull};
  // Of few all that may be picked were candidates, in their order, so what is none was tried.
  const std::span<const MemberIndex> all = context.all();
  const bool are_few = context.members.size() <= Candidates::kMost;
  if (are_few && !std::ranges::binary_search(all, member)) return {LeftOut::kTried};
  if (!context.config.chosen_policy().by_score) return {};
  const float errors = error_now(endpoint.error.get(), now_ms);
  if (errors > kErrorFloor) return {LeftOut::kErrors, errors};
  if (const float factor = record.report_factor.get(); factor > kDearByReport) {
    return {LeftOut::kReport, factor};
  }
  if (const float warmth = record.warmth.get(); warmth > 0 && warmth < 1) {
    return {LeftOut::kCold, warmth};
  }
  return {};
}

void set(Party& party, EndpointId id, std::uint32_t in_flight, float delay, Found found) noexcept {
  party.id.set(static_cast<std::uint32_t>(id));
  party.in_flight.set(in_flight);
  party.delay.set(delay);
  party.why.set(found.why);
  party.figure.set(found.figure);
}

// The first of those that are left out, from a place that differs each time.
void write_left_out(const PickContext& context, const Ticket& ticket, std::uint32_t turn,
                    state::NotedDecision& out) noexcept {
  const auto count = static_cast<std::uint32_t>(context.members.size());
  std::size_t n = 0;
  for (std::uint32_t i = 0; i < std::min(count, kMostLookedAt) && n < out.left_out.size(); ++i) {
    const MemberIndex member = (turn * 61 + i) % count;
    if (member == ticket.member || context.members[member].backup) continue;
    const Found found = why_left_out(context, member);
    if (found.why == LeftOut::kNot) continue;
    set(out.left_out[n++], context.members[member].id, context.in_flight(member),
        expected(context, member), found);
  }
  for (; n < out.left_out.size(); ++n) set(out.left_out[n], kNoEndpoint, 0, 0, {});
}

}  // namespace

// Checked, since it comes from shared memory.
std::string_view name(LeftOut why) noexcept {
  const auto i = static_cast<std::size_t>(why);
  return kLeftOutNames[i < kLeftOuts ? i : 0];
}

void Picker::note(const PickContext& context, const Ticket& ticket) noexcept {
  const state::Shared shared = pool_.shared();
  if (ticket.reason != Reason::kPolicy) {
    shared->reasons_of(slot_).counts[static_cast<std::size_t>(ticket.reason)].add(1);
  }
  if (ticket.reason != Reason::kFrontEnd) note_decision(context, ticket);
}

void Picker::note_decision(const PickContext& context, const Ticket& ticket) noexcept {
  const state::Shared shared = pool_.shared();
  // Most come for another reason, or another process was faster.
  if (shared->note_next.get() == 0 || shared->note_next.take(0) == 0) return;
  state::DecisionLog& log = shared->decisions;
  const std::uint32_t number = log.next.add(1);
  state::NotedDecision& slot = log.slots[number % state::DecisionLog::kSlots];
  slot.turn.store(2 * number + 1, std::memory_order_relaxed);
  // release: what follows is not seen before the turn is odd.
  std::atomic_thread_fence(std::memory_order_release);
  slot.ms.set(milliseconds(context.now));
  slot.reason.set(static_cast<std::uint32_t>(ticket.reason));
  slot.route.set(ticket.route);
  slot.candidates.set(context.candidates.count());
  set(slot.chosen, ticket.id, ticket.in_flight, context.plan.learned.get() ? ticket.delay : 0, {});
  if (ticket.second != kNoMember) {
    set(slot.second, context.members[ticket.second].id, context.in_flight(ticket.second),
        expected(context, ticket.second), {});
  } else {
    set(slot.second, kNoEndpoint, 0, 0, {});
  }
  write_left_out(context, ticket, number, slot);
  slot.turn.store(2 * number + 2, std::memory_order_release);  // pairs with Pool::decision()
}

}  // namespace leastwise
