// Pool: the settings of an endpoint. What picks read is in effect; of each setting that an operator
// changed the record also keeps what the configuration said, by which a new configuration is told
// from one that says nothing new.
#include <algorithm>

#include "leastwise/pool.h"
#include "memory/weight.h"
#include "words/probe_word.h"

namespace leastwise {
namespace {

using state::Hot;
using state::Record;
using state::Shared;

std::uint32_t to_ms(Duration time) noexcept {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(ms.count(), 0, UINT32_MAX));
}

std::uint32_t with_flag(std::uint32_t flags, std::uint32_t from, std::uint32_t flag) noexcept {
  return (flags & ~flag) | (from & flag);
}

void take(const EndpointSettings& from, std::uint32_t fields, EndpointSettings& to) noexcept {
  if ((fields & Change::kWeight) != 0) to.weight = from.weight;
  if ((fields & Change::kMaxConns) != 0) to.max_conns = from.max_conns;
  if ((fields & Change::kMaxFails) != 0) to.max_fails = from.max_fails;
  if ((fields & Change::kFailTimeout) != 0) to.fail_timeout = from.fail_timeout;
  if ((fields & Change::kDownFlag) != 0) to.flags = with_flag(to.flags, from.flags, kDown);
  if ((fields & Change::kDrainingFlag) != 0) {
    to.flags = with_flag(to.flags, from.flags, kDraining);
  }
  if ((fields & Change::kRemoteFlag) != 0) to.flags = with_flag(to.flags, from.flags, kRemote);
}

std::uint32_t differences(const EndpointSettings& a, const EndpointSettings& b) noexcept {
  std::uint32_t fields = 0;
  if (a.weight != b.weight) fields |= Change::kWeight;
  if (a.max_conns != b.max_conns) fields |= Change::kMaxConns;
  if (a.max_fails != b.max_fails) fields |= Change::kMaxFails;
  if (to_ms(a.fail_timeout) != to_ms(b.fail_timeout)) fields |= Change::kFailTimeout;
  const std::uint32_t flags = a.flags ^ b.flags;
  if ((flags & kDown) != 0) fields |= Change::kDownFlag;
  if ((flags & kDraining) != 0) fields |= Change::kDrainingFlag;
  if ((flags & kRemote) != 0) fields |= Change::kRemoteFlag;
  return fields;
}

// Of these flags what the pool's own guards say: only they say otherwise.
std::uint32_t kept_flags(std::uint32_t old, const EndpointSettings& settings,
                         const Record& record) noexcept {
  const std::uint32_t kept = old & (state::kEjected | state::kProbeFlags);
  if ((settings.flags & kMandatory) == 0) return kept & ~state::kUnproven;
  // Not who was in use before there were probes.
  const bool is_new = probed::unpack(record.probe.get()).verdict == Probed::Verdict::kUnknown &&
                      record.picks.get() == 0;
  return is_new ? kept | state::kUnproven : kept;
}

void apply(const Shared& shared, std::size_t i, const EndpointSettings& settings) noexcept {
  Hot& hot = shared.hot()[i];
  Record& record = shared.records()[i];
  record.weight.set(std::clamp(settings.weight, 1U, kMaxWeight));
  state::renew_weight(shared, i);
  hot.max_conns.set(settings.max_conns);
  record.max_fails.set(settings.max_fails);
  record.fail_timeout_ms.set(to_ms(settings.fail_timeout));
  record.order.set(settings.order);
  const std::uint32_t limited = settings.max_conns != 0 ? state::kLimited : 0;
  if ((settings.flags & kMandatory) != 0) shared->is_probed.set(1);
  std::uint32_t old = hot.flags.get();
  while (!hot.flags.replace(old, settings.flags | limited | kept_flags(old, settings, record))) {
  }
  shared->special.set(1);  // after the flags: see renew_special()
  if ((old & kDown) != 0 && (settings.flags & kDown) == 0) state::forget(shared, i);
}

void keep_configured(const EndpointSettings& settings, Record& record) noexcept {
  record.own_weight.set(settings.weight);
  record.own_max_conns.set(settings.max_conns);
  record.own_max_fails.set(settings.max_fails);
  record.own_fail_timeout_ms.set(to_ms(settings.fail_timeout));
  record.own_flags.set(settings.flags);
}

}  // namespace

void Pool::configure(EndpointId id, const EndpointSettings& settings) noexcept {
  if (index(id) >= capacity()) return;
  Record& record = shared().records()[index(id)];
  EndpointSettings effective = settings;
  if (const std::uint32_t changed = record.changed.get(); changed != 0) {
    const std::uint32_t kept = changed & ~differences(configured(id), settings);
    take(this->settings(id), kept, effective);
    record.changed.set(kept);
  }
  keep_configured(settings, record);
  apply(shared(), index(id), effective);
}

EndpointSettings Pool::settings(EndpointId id) const noexcept {
  const Hot& hot = shared().hot()[index(id)];
  const Record& record = shared().records()[index(id)];
  return {.weight = std::clamp(record.weight.get(), 1U, kMaxWeight),
          .max_conns = hot.max_conns.get(),
          .max_fails = record.max_fails.get(),
          .fail_timeout = std::chrono::milliseconds(record.fail_timeout_ms.get()),
          .flags = hot.flags.get() & ~(state::kLimited | state::kEjected | state::kProbeFlags),
          .order = record.order.get()};
}

EndpointSettings Pool::configured(EndpointId id) const noexcept {
  const Record& record = shared().records()[index(id)];
  return {.weight = std::clamp(record.own_weight.get(), 1U, kMaxWeight),
          .max_conns = record.own_max_conns.get(),
          .max_fails = record.own_max_fails.get(),
          .fail_timeout = std::chrono::milliseconds(record.own_fail_timeout_ms.get()),
          .flags = record.own_flags.get(),
          .order = record.order.get()};
}

void Pool::change(EndpointId id, const Change& change) noexcept {
  if (index(id) >= capacity()) return;
  Record& record = shared().records()[index(id)];
  EndpointSettings effective = settings(id);
  take(change.to, change.fields, effective);
  take(configured(id), change.undone, effective);
  record.changed.update(
      [&](std::uint32_t old) noexcept { return (old | change.fields) & ~change.undone; });
  apply(shared(), index(id), effective);
  header_->changes.add(1);
}

std::uint32_t Pool::changed(EndpointId id) const noexcept {
  return shared().records()[index(id)].changed.get();
}

std::uint32_t Pool::changes() const noexcept { return header_->changes.get(); }

// release and acquire: whoever sees the number sees the endpoints.
void Pool::renew_membership() noexcept {
  header_->membership.fetch_add(1, std::memory_order_release);
  header_->changes.add(1);
}

std::uint32_t Pool::membership() const noexcept {
  return header_->membership.load(std::memory_order_acquire);
}

}  // namespace leastwise
