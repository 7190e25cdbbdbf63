// Pool: what one pool learned, for another one: in a zone of another size, or after a restart.
#include <algorithm>

#include "leastwise/pool.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using state::Hot;
using state::Record;
using state::Shared;

// What is known of the pool as a whole. REQUIRES: `to` has no plan yet that anybody reads.
void take_model(const Shared& from, const Shared& to) noexcept {
  if (from->is_probed.get() != 0) to->is_probed.set(1);
  to->panic.set(from->panic.get());
  to->panic_told.set(from->panic_told.get());
  to->tick_last.set(from->tick_last.get());  // what is copied is as old as it was
  state::copy_history(from->history, to->history);
  if (!from->model.sane()) return;
  to->model = from->model;
  to->routes.copy_from(from->routes);
  to->has_round_trips.set(from->has_round_trips.get());
  to->model.publish(to->plans[0], from->plan().weighted.get() != 0);
}

void take_endpoint(const Shared& from, std::size_t old, const Shared& to, std::size_t i) noexcept {
  const Hot& old_hot = from.hot()[old];
  const Record& old_record = from.records()[old];
  Hot& hot = to.hot()[i];
  Record& record = to.records()[i];
  hot.speed.set(old_hot.speed.get());
  hot.slowness.set(old_hot.slowness.get());
  hot.error.set(old_hot.error.get());
  hot.health.set(old_hot.health.get());
  hot.base.set(old_hot.base.get());
  hot.handicap.set(old_hot.handicap.get());
  record.fastest.set(old_record.fastest.get());
  record.answer_time.set(old_record.answer_time.get());
  record.serves.set(old_record.serves.get());
  record.spared.set(old_record.spared.get());
  record.warm_since_ms.set(old_record.warm_since_ms.get());
  to.learned()[i] = from.learned()[old];
  record.probe.set(old_record.probe.get());
  state::copy_counters(old_record, record);
  state::copy_window(from.windows()[old], to.windows()[i]);
  record.picks_seen.set(static_cast<std::uint32_t>(old_record.picks.get()));
}

// That it is left out, and by whom.
void take_flags(const Shared& from, std::size_t old, const Shared& to, std::size_t i,
                std::uint32_t which) noexcept {
  if ((which & state::kEjected) != 0) {
    state::copy_ejection(from.records()[old], to.records()[i]);
  }
  const std::uint32_t flags = from.hot()[old].flags.get() & which;
  to.hot()[i].flags.update([=](std::uint32_t seen) noexcept { return (seen & ~which) | flags; });
}

std::string_view name_of(const Record& record) noexcept {
  return {record.name.data(), std::min<std::size_t>(record.name_size.get(), kMaxEndpointName)};
}

// Those that no operator has a word in.
std::uint32_t guards_flags(const Shared& from, std::size_t old, const Shared& to,
                           std::size_t i) noexcept {
  const bool by_hand = from.records()[old].ejected_why.get() == Ejection::kOperator ||
                       (to.hot()[i].flags.get() & state::kEjected) != 0;
  return state::kProbeFlags | (by_hand ? 0 : state::kEjected);
}

}  // namespace

Status Pool::migrate(const Pool& other) noexcept {
  const Shared from = other.shared();
  const Shared to = shared();
  Status result;
  take_model(from, to);
  other.for_each([&](EndpointId old) noexcept {
    const EndpointId id = add(name_of(from.records()[index(old)]));
    if (id == kNoEndpoint) {
      result = {Status::Code::kNoMemory, "not all endpoints fit"};
      return;
    }
    configure(id, other.configured(old));
    change(id, {.fields = other.changed(old), .to = other.settings(old)});
    take_endpoint(from, index(old), to, index(id));
    take_flags(from, index(old), to, index(id), state::kEjected | state::kProbeFlags);
  });
  return result;
}

std::size_t Pool::take_learned(const Pool& other) noexcept {
  const Shared from = other.shared();
  const Shared to = shared();
  std::size_t n = 0;
  take_model(from, to);
  other.for_each([&](EndpointId old) noexcept {
    const EndpointId id = find(name_of(from.records()[index(old)]));
    // Who is down comes up unknown.
    if (id == kNoEndpoint || (to.hot()[index(id)].flags.get() & kDown) != 0) return;
    take_endpoint(from, index(old), to, index(id));
    take_flags(from, index(old), to, index(id), guards_flags(from, index(old), to, index(id)));
    ++n;
  });
  to->special.set(1);  // after the flags: see renew_special()
  return n;
}

}  // namespace leastwise
