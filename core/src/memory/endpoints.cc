// Pool: which endpoints there are, an open hash table in shared memory.
#include <algorithm>
#include <cstring>
#include <functional>

#include "leastwise/pool.h"
#include "memory/state.h"
#include "memory/weight.h"

namespace leastwise {
namespace {

using state::Hot;
using state::Record;
using state::Shared;
using state::Use;

// How often another process is looked at while it writes a name. It has a few hundred
// instructions to do; if it died there, its place is passed over.
constexpr int kPatience = 100'000;

// relaxed inside, acquire outside: the name is published by kInUse.
Use settled(const Record& record) noexcept {
  for (int i = 0; i < kPatience; ++i) {
    const Use use = record.use.load(std::memory_order_acquire);
    if (use != Use::kClaimed) return use;
  }
  return Use::kClaimed;
}

std::string_view name_of(const Record& record) noexcept {
  return {record.name.data(), std::min<std::size_t>(record.name_size.get(), kMaxEndpointName)};
}

// Ticks, since only they are counted while nobody is there to bring it back: ten seconds. A list of
// servers may miss one for an instant, and after a start it comes late; who is gone for longer may
// come back as another machine, or be put back by somebody who wants it to start afresh.
constexpr std::uint64_t kMissingTicks = 100;

bool is_long_gone(const Shared& shared, const Record& record) noexcept {
  return shared->ticks.get() - record.retired_at.get() > kMissingTicks;
}

bool is(const Record& record, std::uint64_t hash, std::string_view name) noexcept {
  return record.name_hash.get() == hash && name_of(record) == name;
}

void reset(const Shared& shared, std::size_t i) noexcept {
  Record& r = shared.records()[i];
  state::forget(shared, i);
  shared.records()[i].weight.set(1);
  shared.hot()[i].inverse_weight.set(1);
  shared.hot()[i].flags.set(0);
  r.picks.set(0);
  for (auto& c : r.results) c.set(0);
  for (auto& c : r.responses) c.set(0);
  for (auto* c : {&r.bytes_sent, &r.bytes_received, &r.connect_us, &r.connects, &r.first_byte_us,
                  &r.first_bytes, &r.occupied_us, &r.healed}) {
    c->set(0);
  }
  for (auto& c : r.times) c.set(0);
  for (auto& c : r.ejections) c.set(0);
  r.relapses.set(0);
  r.serves.set(0);
  r.warmth.set(0);
  r.reports.set(0);
  r.reports_refused.set(0);
  r.picks_seen.set(0);
  r.held.set(0);
  r.warm_since_ms.set(0);
  r.ejected_until_ms.set(0);
}

// Takes place i for the name, if it is still `seen` there.
bool claim(const Shared& shared, std::size_t i, Use seen, std::uint64_t hash,
           std::string_view name) noexcept {
  Record& record = shared.records()[i];
  // acquire: what the owner before wrote is done.
  if (!record.use.compare_exchange_strong(seen, Use::kClaimed, std::memory_order_acquire,
                                          std::memory_order_relaxed)) {
    return false;
  }
  reset(shared, i);
  record.name_hash.set(hash);
  record.name_size.set(static_cast<std::uint32_t>(name.size()));
  std::memcpy(record.name.data(), name.data(), name.size());
  record.name[name.size()] = '\0';
  // release: whoever sees kInUse sees the name.
  record.use.store(Use::kInUse, std::memory_order_release);
  shared->endpoints.add(1);
  return true;
}

}  // namespace

namespace state {

void copy_ejection(const Record& from, Record& to) noexcept {
  to.relapses.set(from.relapses.get());
  to.ejected_until_ms.set(from.ejected_until_ms.get());
  to.ejected_ms.set(from.ejected_ms.get());
  to.ejected_why.set(from.ejected_why.get());
  to.failures_in_a_row.set(from.failures_in_a_row.get());
}

void copy_counters(const Record& from, Record& to) noexcept {
  to.picks.set(from.picks.get());
  for (std::size_t i = 0; i < kResults; ++i) to.results[i].set(from.results[i].get());
  for (std::size_t i = 0; i < from.responses.size(); ++i) {
    to.responses[i].set(from.responses[i].get());
  }
  to.bytes_sent.set(from.bytes_sent.get());
  to.bytes_received.set(from.bytes_received.get());
  to.connect_us.set(from.connect_us.get());
  to.connects.set(from.connects.get());
  to.first_byte_us.set(from.first_byte_us.get());
  to.first_bytes.set(from.first_bytes.get());
  to.occupied_us.set(from.occupied_us.get());
  to.healed.set(from.healed.get());
  to.reports.set(from.reports.get());
  to.reports_refused.set(from.reports_refused.get());
  for (std::size_t i = 0; i < kEjections; ++i) to.ejections[i].set(from.ejections[i].get());
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) to.times[i].set(from.times[i].get());
}

}  // namespace state

EndpointId Pool::add(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxEndpointName) return kNoEndpoint;
  const std::uint64_t hash = std::hash<std::string_view>{}(name);
  const std::size_t n = capacity();
  // When another process takes the place that was chosen, it may have added this very
  // name: look again from the start. Each round somebody succeeds.
  for (std::size_t round = 0; round <= n; ++round) {
    std::size_t place = n;
    Use seen = Use::kFree;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = (hash + i) % n;
      Record& record = shared().records()[at];
      const Use use = settled(record);
      const auto id = EndpointId{static_cast<std::uint32_t>(at)};
      if (use == Use::kInUse && is(record, hash, name)) return id;
      if (use == Use::kRetired && is(record, hash, name)) {
        Use retired = Use::kRetired;
        if (is_long_gone(shared(), record)) {
          claim(shared(), at, retired, hash, name);
        } else if (record.use.compare_exchange_strong(retired, Use::kInUse,
                                                      std::memory_order_acq_rel)) {
          header_->endpoints.add(1);
        }
        return id;
      }
      const bool idle = load::in_flight(shared().hot()[at].load.get()) == 0;
      if (place == n && (use == Use::kFree || (use == Use::kRetired && idle))) {
        place = at;
        seen = use;
      }
      if (use == Use::kFree) break;
    }
    if (place == n) return kNoEndpoint;
    if (claim(shared(), place, seen, hash, name)) {
      return EndpointId{static_cast<std::uint32_t>(place)};
    }
  }
  return kNoEndpoint;
}

EndpointId Pool::find(std::string_view name) const noexcept {
  const EndpointId id = recall(name);
  return id != kNoEndpoint && in_use(id) ? id : kNoEndpoint;
}

EndpointId Pool::recall(std::string_view name) const noexcept {
  const std::uint64_t hash = std::hash<std::string_view>{}(name);
  const std::size_t n = capacity();
  EndpointId retired = kNoEndpoint;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = (hash + i) % n;
    const Record& record = shared().records()[at];
    const Use use = settled(record);
    if (use == Use::kFree) break;
    if (!is(record, hash, name)) continue;
    const auto id = EndpointId{static_cast<std::uint32_t>(at)};
    if (use == Use::kInUse) return id;
    if (use == Use::kRetired) retired = id;
  }
  return retired;
}

void Pool::retire(EndpointId id) noexcept {
  if (index(id) >= capacity()) return;
  Use in_use = Use::kInUse;
  if (shared().records()[index(id)].use.load(std::memory_order_relaxed) == in_use) {
    shared().records()[index(id)].retired_at.set(header_->ticks.get());
  }
  // release: pairs with claim(), which takes the place over.
  if (shared().records()[index(id)].use.compare_exchange_strong(in_use, Use::kRetired,
                                                                std::memory_order_acq_rel)) {
    header_->endpoints.add(static_cast<std::uint32_t>(-1));
  }
}

std::size_t Pool::endpoints() const noexcept {
  return header_ == nullptr ? 0 : std::min<std::size_t>(header_->endpoints.get(), capacity());
}

EndpointId Pool::next(std::uint32_t place) const noexcept {
  for (; place < capacity(); ++place) {
    if (in_use(EndpointId{place})) return EndpointId{place};
  }
  return kNoEndpoint;
}

bool Pool::in_use(EndpointId id) const noexcept {
  return shared().records()[index(id)].use.load(std::memory_order_acquire) == Use::kInUse;
}

void Pool::configure(EndpointId id, const EndpointSettings& settings) noexcept {
  if (index(id) >= capacity()) return;
  Hot& hot = shared().hot()[index(id)];
  state::Record& record = shared().records()[index(id)];
  record.weight.set(std::clamp(settings.weight, 1U, kMaxWeight));
  state::renew_weight(shared(), index(id));
  hot.max_conns.set(settings.max_conns);
  record.max_fails.set(settings.max_fails);
  const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(settings.fail_timeout);
  record.fail_timeout_ms.set(
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(timeout.count(), 0, UINT32_MAX)));
  const std::uint32_t limited = settings.max_conns != 0 ? state::kLimited : 0;
  // An outlier stays one: only the tick says otherwise.
  std::uint32_t old = hot.flags.get();
  while (!hot.flags.replace(old, settings.flags | limited | (old & state::kEjected))) {
  }
  header_->special.set(1);  // after the flags: see renew_special()
  if ((old & kDown) != 0 && (settings.flags & kDown) == 0) state::forget(shared(), index(id));
}

EndpointSettings Pool::settings(EndpointId id) const noexcept {
  const Hot& hot = shared().hot()[index(id)];
  const Record& record = shared().records()[index(id)];
  return {.weight = std::clamp(record.weight.get(), 1U, kMaxWeight),
          .max_conns = hot.max_conns.get(),
          .max_fails = record.max_fails.get(),
          .fail_timeout = std::chrono::milliseconds(record.fail_timeout_ms.get()),
          .flags = hot.flags.get() & ~(state::kLimited | state::kEjected)};
}

}  // namespace leastwise
