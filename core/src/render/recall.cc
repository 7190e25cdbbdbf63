// Pool: copies of what it remembers of late; see memory/history.h.
#include <algorithm>
#include <cmath>

#include "leastwise/pool.h"
#include "memory/state.h"

namespace leastwise {
namespace {

constexpr float kPlausible = 1e6F;  // whatever memory holds

float plausible(float x) noexcept { return x >= 0 && x < kPlausible ? x : 0; }

Decision::Party copy(const state::NotedDecision::Party& party, std::uint32_t capacity) noexcept {
  Decision::Party out;
  const std::uint32_t id = party.id.get();
  if (id >= capacity) return out;
  out.id = EndpointId{id};
  out.in_flight = party.in_flight.get();
  out.delay = plausible(party.delay.get());
  out.why = party.why.get();
  out.figure = plausible(party.figure.get());
  return out;
}

void copy(const state::NotedDecision& slot, std::int64_t now_ms, std::uint32_t capacity,
          Decision& out) noexcept {
  out.age = static_cast<float>(std::max<std::int64_t>(0, now_ms - slot.ms.get())) * 1e-3F;
  out.reason = static_cast<Reason>(std::min<std::uint32_t>(slot.reason.get(), kReasons - 1));
  out.route = slot.route.get();
  out.candidates = slot.candidates.get();
  out.chosen = copy(slot.chosen, capacity);
  out.second = copy(slot.second, capacity);
  for (std::size_t i = 0; i < out.left_out.size(); ++i) {
    out.left_out[i] = copy(slot.left_out[i], capacity);
  }
}

}  // namespace

bool Pool::decision(std::size_t i, TimePoint now, Decision& out) const noexcept {
  if (header_ == nullptr || i >= state::DecisionLog::kSlots) return false;
  const state::DecisionLog& log = header_->decisions;
  const std::uint32_t count = log.next.get();
  if (i >= count) return false;
  const std::uint32_t number = count - 1 - static_cast<std::uint32_t>(i);
  const state::NotedDecision& slot = log.slots[number % state::DecisionLog::kSlots];
  // acquire: pairs with the release at the end of note_decision().
  const std::uint32_t turn = slot.turn.load(std::memory_order_acquire);
  if (turn != 2 * number + 2) return false;
  copy(slot, milliseconds(now), capacity_, out);
  // acquire: the second look at the turn comes after all of the others.
  std::atomic_thread_fence(std::memory_order_acquire);
  return slot.turn.load(std::memory_order_relaxed) == turn && out.chosen.id != kNoEndpoint;
}

bool Pool::moment(std::size_t i, TimePoint now, MomentView& out) const noexcept {
  if (header_ == nullptr || i >= state::History::kMoments) return false;
  const state::History& history = header_->history;
  const std::uint32_t number = history.next.get() - 1 - static_cast<std::uint32_t>(i);
  const state::Moment& m = history.moments[number % state::History::kMoments];
  const std::int64_t age_ms = milliseconds(now) - m.ms.get();
  constexpr std::int64_t kMostMs = 600'000;
  if (m.ms.get() == 0 || age_ms < 0 || age_ms > kMostMs || m.span_ms.get() == 0) return false;
  out.age = static_cast<float>(age_ms) * 1e-3F;
  out.span = static_cast<float>(m.span_ms.get()) * 1e-3F;
  out.answers = m.answers.get();
  out.failures = m.failures.get();
  out.p50 = plausible(m.p50.get());
  out.p99 = plausible(m.p99.get());
  return true;
}

}  // namespace leastwise
