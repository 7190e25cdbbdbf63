// Pool: what an operator does to an endpoint, by hand.
#include <algorithm>

#include "guard/outlier.h"
#include "leastwise/pool.h"
#include "memory/state.h"

namespace leastwise {

void Pool::eject(EndpointId id, Duration time, TimePoint now) noexcept {
  if (index(id) >= capacity()) return;
  state::Record& record = shared().records()[index(id)];
  const std::int64_t ms = std::clamp(time, Duration::zero(), kMostEjection).count() / 1000;
  record.ejected_ms.set(ms);
  record.ejected_until_ms.set(milliseconds(now) + ms);
  record.ejected_why.set(Ejection::kOperator);
  record.ejections[static_cast<std::size_t>(Ejection::kOperator)].add(1);
  shared().hot()[index(id)].flags.update(
      [](std::uint32_t flags) noexcept { return flags | state::kEjected; });
  header_->special.set(1);  // after the flags: see renew_special()
  header_->changes.add(1);
}

Duration Pool::ejected_by_hand(EndpointId id, TimePoint now) const noexcept {
  if (index(id) >= capacity()) return Duration::zero();
  const state::Record& record = shared().records()[index(id)];
  const bool is_out = (shared().hot()[index(id)].flags.get() & state::kEjected) != 0 &&
                      record.ejected_why.get() == Ejection::kOperator;
  if (!is_out) return Duration::zero();
  const std::int64_t until = record.ejected_until_ms.get();
  const std::int64_t at = milliseconds(now);
  if (until <= at) return Duration::zero();
  constexpr std::int64_t kMost = kMostEjection / std::chrono::milliseconds(1);
  return std::chrono::milliseconds(std::min(until - at, kMost));
}

bool Pool::bring_back(EndpointId id) noexcept {
  if (index(id) >= capacity()) return false;
  state::Hot& hot = shared().hot()[index(id)];
  if ((hot.flags.get() & state::kEjected) == 0) return false;
  state::end_ejection(shared(), index(id));
  header_->changes.add(1);
  return true;
}

void Pool::forget(EndpointId id) noexcept {
  if (index(id) >= capacity()) return;
  state::forget(shared(), index(id));
  state::Record& record = shared().records()[index(id)];
  record.relapses.set(0);
  record.trial.set(0);
  record.refuses.set(0);
}

}  // namespace leastwise
