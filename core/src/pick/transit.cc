#include "pick/transit.h"

#include "leastwise/pool.h"

namespace leastwise::state {
namespace {

constexpr float kRateSeconds = 2;
constexpr float kMostTransit = 1e6F;  // more than can be in flight

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
  return static_cast<std::uint32_t>(std::min(count, kMostTransit) + 0.5F);
}

// Tunnels and the like, which are in flight but wait for nothing. What a process that died had of
// them is not known: there can not be more than there is in flight.
std::uint32_t held(Record& record, const Hot& hot) noexcept {
  std::uint32_t count = record.held.get();
  const std::uint32_t most = load::in_flight(hot.load.get());
  if (count > most && record.held.replace(count, most)) count = most;
  return std::min(count, most);
}

}  // namespace

bool renew_transit(const Shared& shared, Duration elapsed) noexcept {
  bool any = false;
  const float period = seconds(std::max(elapsed, Pool::kTickPeriod));
  const float mean_work = shared->plan().mean_cost.get() * shared->plan().slowness.get();
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Hot& hot = shared.hot()[i];
    renew_rate(shared.records()[i], period);
    const std::uint32_t count =
        in_transit(shared.records()[i].rate.get(), hot.base.get(), mean_work) +
        held(shared.records()[i], hot);
    hot.in_transit.set(count);
    any |= count != 0;
  }
  return any;
}

}  // namespace leastwise::state
