#include "pick/transit.h"

#include "leastwise/pool.h"

namespace leastwise::state {
namespace {

constexpr float kRateSeconds = 2;

// `period`: how many seconds the picks since the last look took.
void renew_rate(Record& record, float period) noexcept {
  const auto picks = static_cast<std::uint32_t>(record.picks.get());
  const float now = static_cast<float>(picks - record.picks_seen.get()) / period;
  record.picks_seen.set(picks);
  const float old = record.rate.get() >= 0 ? std::min(record.rate.get(), kMostRate) : 0;
  const float step = old > 0 ? std::min(1.0F, period / kRateSeconds) : 1;
  record.rate.set(old + step * (std::min(now, kMostRate) - old));
}

// Distances below the work of a mean request count as none: so much lies between the fastest
// answers of servers that differ in speed alone.
std::uint32_t in_transit(float rate, float base, float mean_work) noexcept {
  const float count = rate * base;
  if (!(base >= mean_work) || !(count >= 1)) return 0;
  return static_cast<std::uint32_t>(std::min(count, static_cast<float>(away::kMostTransit)) + 0.5F);
}

// How many of those that keep a place only a process had that died is not known: there can not be
// more than there is in flight.
std::uint32_t renew_away(Hot& hot, std::uint32_t transit) noexcept {
  const std::uint32_t most = load::in_flight(hot.load.get());
  return hot.away.update([&](std::uint32_t word) noexcept {
    return away::of(std::min(away::idle(word), most), transit);
  });
}

void renew_guests(Record& record, const Hot& hot) noexcept {
  std::uint32_t word = record.guests.get();
  const std::uint32_t n = guests::count(word);
  const std::uint32_t most = load::in_flight(hot.load.get());
  if (n > most) record.guests.replace(word, guests::minus(word, n - most));
}

}  // namespace

void enter(Hot& endpoint, Record& record, Ticket& ticket, Stay stay) noexcept {
  ticket.is_guest = true;
  ticket.is_idle = is_idle(stay);
  if (ticket.is_idle) endpoint.away.update(away::plus_idle);
  record.guests.update(
      [&](std::uint32_t word) noexcept { return guests::plus(word, ticket.route); });
}

// The tick may have mended the counts meanwhile: never below zero.
void leave(Hot& endpoint, Record& record, const Ticket& ticket) noexcept {
  if (ticket.is_idle) endpoint.away.update(away::minus_idle);
  record.guests.update([](std::uint32_t word) noexcept { return guests::minus(word, 1); });
}

bool renew_transit(const Shared& shared, Duration elapsed) noexcept {
  bool any = false;
  const float period = seconds(std::max(elapsed, Pool::kTickPeriod));
  const float mean_work = shared->plan().mean_cost.get() * shared->plan().slowness.get();
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Hot& hot = shared.hot()[i];
    renew_rate(shared.records()[i], period);
    renew_guests(shared.records()[i], hot);
    const float rate = shared.records()[i].rate.get();
    any |= renew_away(hot, in_transit(rate, hot.base.get(), mean_work)) != 0;
  }
  return any;
}

}  // namespace leastwise::state
