#include "guard/probe.h"

#include "leastwise/pool.h"
#include "words/probe_word.h"

namespace leastwise {
namespace {

using state::Hot;
using state::Record;
using state::Shared;

constexpr auto kLeaseMs =
    static_cast<std::uint64_t>(Pool::kProbeLease / std::chrono::milliseconds(1));

void set_flags(Hot& hot, std::uint32_t set, std::uint32_t clear) noexcept {
  const auto next = [=](std::uint32_t flags) noexcept { return (flags & ~clear) | set; };
  const std::uint32_t flags = hot.flags.get();
  if (next(flags) != flags) hot.flags.update(next);
}

bool is_probed(const Record& record, std::uint32_t flags) noexcept {
  return record.is_in_use() && (flags & kDown) == 0;
}

// Who has never passed and has to is in neither of the two halves.
bool should_panic(const Shared& shared) noexcept {
  std::size_t all = 0, failed = 0;
  bool has_backup = false;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    const std::uint32_t flags = shared.hot()[i].flags.get();
    if (!is_probed(shared.records()[i], flags) || (flags & state::kUnproven) != 0) continue;
    ++all;
    const bool is_out = (flags & state::kProbeFailed) != 0;
    if (is_out) ++failed;
    has_backup |= !is_out && (flags & kBackup) != 0;
  }
  return 2 * failed > all && !has_backup;
}

// What the word says holds, whatever a process that died or a stray write left in the flags.
void renew_flags(const Record& record, Hot& hot, bool mandatory) noexcept {
  const Probed::Verdict verdict = probed::unpack(record.probe.get()).verdict;
  const bool failed = verdict == Probed::Verdict::kDown;
  const bool may_wait = mandatory && verdict != Probed::Verdict::kUp;
  set_flags(hot, failed ? state::kProbeFailed : 0,
            (failed ? 0 : state::kProbeFailed) | (may_wait ? 0 : state::kUnproven));
}

// There are no probes any more: nobody stays out for what they found.
void release_all(const Shared& shared) noexcept {
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    set_flags(shared.hot()[i], 0, state::kProbeFlags);
    if (shared->is_probed.get() != 0) shared.records()[i].probe.set(0);
  }
  shared->panic.set(0);
  shared->is_probed.set(0);
}

}  // namespace

namespace state {

void renew_probed(const Shared& shared, const Config& config) noexcept {
  if (!config.probe.is_on()) return release_all(shared);
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    renew_flags(shared.records()[i], shared.hot()[i], config.probe.mandatory);
  }
  const bool panic = should_panic(shared);
  shared->panic.set(panic ? 1 : 0);
  for (Hot& hot : shared.hot()) {
    const bool is_out = (hot.flags.get() & kProbeFailed) != 0 && !panic;
    set_flags(hot, is_out ? kProbeBarred : 0, is_out ? 0 : kProbeBarred);
  }
}

}  // namespace state

bool Pool::lead_probes(Incarnation self, IsAlive alive, TimePoint now) noexcept {
  const std::int64_t ms = milliseconds(now);
  // relaxed: each result is one word by itself, and a prober reads nothing that another left.
  std::uint64_t seen = header_->prober.load(std::memory_order_relaxed);
  const std::uint32_t other = prober::pid(seen);
  if (other != 0 && other != self.pid && prober::is_fresh(seen, ms, kLeaseMs) &&
      alive({.pid = other})) {
    return false;
  }
  return header_->prober.compare_exchange_strong(seen, prober::of(self.pid, ms),
                                                 std::memory_order_relaxed);
}

bool Pool::leads_probes(Incarnation self, TimePoint now) const noexcept {
  const std::uint64_t seen = header_->prober.load(std::memory_order_relaxed);
  return prober::pid(seen) == self.pid && prober::is_fresh(seen, milliseconds(now), kLeaseMs);
}

void Pool::stop_probes(Incarnation self) noexcept {
  std::uint64_t seen = header_->prober.load(std::memory_order_relaxed);
  if (prober::pid(seen) != self.pid) return;
  header_->prober.compare_exchange_strong(seen, 0, std::memory_order_relaxed);
}

ProbeChange Pool::note_probe(EndpointId id, const ProbeResult& result, const Config& config,
                             TimePoint now) noexcept {
  if (index(id) >= capacity()) return ProbeChange::kNone;
  const Shared shared = this->shared();
  Record& record = shared.records()[index(id)];
  Hot& hot = shared.hot()[index(id)];
  const auto ms = static_cast<std::uint32_t>(milliseconds(now));
  ProbeChange change = ProbeChange::kNone;
  record.probe.update([&](std::uint64_t word) noexcept {
    Probed p = probed::unpack(word);
    change = probed::add(p, result, config.probe.passes, config.probe.fails, ms);
    return probed::pack(p);
  });
  record.probes.add(1);
  if (!result.passed()) record.probes_failed.add(1);
  shared->is_probed.set(1);
  if (change == ProbeChange::kNone) return change;
  if (change == ProbeChange::kDown) {
    set_flags(hot, state::kProbeFailed, 0);
  } else {
    // It may not be what it was.
    if (change == ProbeChange::kUp) state::forget(shared, index(id));
    set_flags(hot, 0, state::kProbeFlags);
  }
  state::renew_probed(shared, config);
  shared->special.set(1);  // after the flags: see renew_special()
  return change;
}

Duration Pool::since_probe(EndpointId id, TimePoint now) const noexcept {
  if (index(id) >= capacity()) return Duration::max();
  return probed::age(shared().records()[index(id)].probe.get(), now);
}

bool Pool::is_in_panic() const noexcept { return header_->panic.get() != 0; }

bool Pool::take_panic_news() noexcept {
  const std::uint32_t panic = header_->panic.get();
  return header_->panic_told.get() != panic && header_->panic_told.take(panic) != panic;
}

}  // namespace leastwise
