#include "learn/shadow.h"

#include <algorithm>
#include <cmath>

#include "leastwise/picker.h"

namespace leastwise {
namespace state {
namespace {

// What is remembered of who would be picked and who is: the longer of these. Ratios of fewer picks
// would be noise, which a tail does not forgive.
constexpr float kSeconds = 10;
constexpr float kLeastPicks = 500;

constexpr float kMostWeight = 64;
constexpr float kMostStretch = 8;
constexpr std::uint64_t kFadeTicks = 64;  // what dead processes left is gone in a few minutes

float grown(Cell<std::uint64_t>& seen, const Cell<std::uint64_t>& count) noexcept {
  const std::uint64_t now = count.get();
  const std::uint64_t before = seen.take(now);
  return static_cast<float>(now > before ? now - before : 0);
}

// Whatever memory holds.
float plausible(float x, float most) noexcept { return x >= 0 && x <= most ? x : 0; }

struct Grown {
  float would, would_us, sent, sent_us;
};

Grown look(Shadowed& s) noexcept {
  return {.would = grown(s.would_seen, s.would),
          .would_us = grown(s.would_us_seen, s.would_us),
          .sent = grown(s.sent_seen, s.sent),
          .sent_us = grown(s.sent_us_seen, s.sent_us)};
}

void renew(Shadowed& s, const Grown& g, float kept) noexcept {
  constexpr float kMost = 1e12F;
  const auto add = [&](Cell<float>& sum, float more) noexcept {
    sum.set(plausible(sum.get(), kMost) * kept + more);
  };
  add(s.would_sum, g.would);
  add(s.would_delay, g.would_us);
  add(s.sent_sum, g.sent);
  add(s.sent_delay, g.sent_us);
  const float would = s.would_sum.get();
  const float sent = s.sent_sum.get();
  s.weight.set(sent > 0.5F ? std::min(would / sent, kMostWeight) : 0);
  const bool is_known = would > 0.5F && sent > 0.5F && s.sent_delay.get() > 0;
  const float stretch = is_known ? s.would_delay.get() / would * sent / s.sent_delay.get() : 1;
  s.stretch.set(std::clamp(stretch, 1 / kMostStretch, kMostStretch));
}

void fade(Shadowed& s) noexcept {
  s.load.update([](std::uint32_t load) noexcept { return load - (load + 7) / 8; });
}

void clear_bank(Shadow& shadow, std::size_t bank) noexcept {
  for (ShadowLane& lane : shadow.lanes) lane.banks[bank].clear();
}

// Also when nobody watched for a while, or the clock went back.
void turn_banks(Shadow& shadow, std::int64_t now_ms) noexcept {
  const std::int64_t age = now_ms - shadow.since_ms.get();
  if (age >= 0 && age < Shadow::kBankMs) return;
  const std::size_t next = 1 - shadow.bank.get() % 2;
  const bool is_whole = age >= 0 && age < 2 * Shadow::kBankMs;
  if (!is_whole) clear_bank(shadow, 1 - next);
  clear_bank(shadow, next);
  shadow.before_ms.set(is_whole ? shadow.since_ms.get() : 0);
  shadow.since_ms.set(now_ms);
  shadow.bank.set(static_cast<std::uint32_t>(next));
}

}  // namespace

void renew_shadow(const Shared& shared, const Config& config, TimePoint now,
                  Duration elapsed) noexcept {
  if (!config.observe) return;
  turn_banks(shared->shadow, milliseconds(now));
  const bool fades = shared->ticks.get() % kFadeTicks == 0;
  float picks = 0;
  for (const Shadowed& s : shared.shadowed()) {
    const std::uint64_t would = s.would.get();
    picks += static_cast<float>(would - std::min(would, s.would_seen.get()));
  }
  const float forgets = std::min(
      {1.0F, seconds(std::max(elapsed, Pool::kTickPeriod)) / kSeconds, picks / kLeastPicks});
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Shadowed& s = shared.shadowed()[i];
    renew(s, look(s), 1 - forgets);
    if (fades) fade(s);
  }
  if (picks > 0) shared->shadow.is_ready.set(1);
}

}  // namespace state

namespace {

std::uint64_t units(double x) noexcept {
  return static_cast<std::uint64_t>(x * state::ShadowBank::kUnit + 0.5);
}

}  // namespace

void Picker::compare(const Ticket& ticket, Would& would, const Outcome& outcome) noexcept {
  if (!ticket || index(ticket.id) >= pool_.capacity()) return;
  const state::Shared shared = pool_.shared();
  if (would.load != 0 && index(would.id) < pool_.capacity()) {
    shared.shadowed()[index(would.id)].load.update(
        [&](std::uint32_t load) noexcept { return load > would.load ? load - would.load : 0; });
  }
  const bool was_compared = would.load != 0;
  would.load = 0;
  if (!was_compared || shared->shadow.is_ready.get() == 0) return;
  const state::Shadowed& chosen = shared.shadowed()[index(ticket.id)];
  const double weight = state::plausible(chosen.weight.get(), state::kMostWeight);
  state::ShadowBank& bank = shared->shadow.current(static_cast<std::size_t>(slot_));
  if (is_failure(outcome.result)) {
    bank.failures.add(1);
    bank.would_failures.add(units(weight));
    return;
  }
  if (outcome.result != Result::kOk || outcome.occupied <= Duration::zero()) return;
  const float stretch = state::plausible(chosen.stretch.get(), state::kMostStretch);
  const Duration took = std::min<Duration>(outcome.occupied, std::chrono::hours(24));
  const auto us = static_cast<double>(took.count()) * double{stretch};
  const Duration would_take{static_cast<std::int64_t>(us)};
  bank.answers.add(1);
  bank.micros.add(static_cast<std::uint64_t>(took.count()));
  bank.times[Histogram::bucket(took)].add(1);
  bank.weights.add(units(weight));
  bank.would_micros.add(static_cast<std::uint64_t>(weight * us));
  bank.would_times[Histogram::bucket(would_take)].add(units(weight));
}

}  // namespace leastwise
