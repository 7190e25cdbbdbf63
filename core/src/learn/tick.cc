// Pool: the slow half.
#include <algorithm>

#include "guard/advice.h"
#include "guard/brevity.h"
#include "guard/load_report.h"
#include "guard/outlier.h"
#include "guard/probe.h"
#include "guard/slow_start.h"
#include "guard/toll.h"
#include "learn/age.h"
#include "learn/distances.h"
#include "learn/history.h"
#include "learn/pardon.h"
#include "learn/rest.h"
#include "learn/shadow.h"
#include "learn/slowness.h"
#include "learn/stall.h"
#include "leastwise/decay.h"
#include "leastwise/pool.h"
#include "memory/state.h"
#include "pick/transit.h"
#include "words/estimates.h"

namespace leastwise {
namespace {

using state::Header;
using state::Shared;

constexpr std::size_t kLeastBatch = 4;  // endpoints looked after per tick,
constexpr std::size_t kRounds = 16;     // but all of them in so many ticks
constexpr std::uint64_t kTicksPerSecond = 10;
constexpr std::uint64_t kPublishAnyway = 8;  // ticks; what was overwritten comes right again
// The mixture costs as much as the rest of an answer does. It learns from each of the pool's first
// answers, the earliest of which show servers in all states, since least_conn still chooses; then
// from the first so many that wait.
constexpr std::uint64_t kMixAll = 4096;
constexpr std::uint64_t kMixAtOnce = 32;
constexpr std::uint64_t kManyAnswers = 160;  // of a lane, that do not wait for the tick
static_assert(kManyAnswers < AnswerRing::kEntries);
constexpr std::int64_t kClockSlackUs = 1'000'000;

std::uint64_t learn(const Shared& shared, std::int64_t now_ms, bool stall) noexcept {
  std::uint64_t lost = 0, seen = 0, set_aside = 0;
  const bool has_others = state::counts_others(shared);
  for (AnswerRing& lane : shared->lanes) {
    lost += lane.drain([&](const Answer& sample) noexcept {
      if (sample.endpoint >= shared.capacity()) return;
      if (stall) {
        ++set_aside;
        return;
      }
      if (has_others) shared.learned()[sample.endpoint].toll.add(sample.whole, sample.predicted);
      const bool mixed = shared->model.samples() < kMixAll || ++seen <= kMixAtOnce;
      shared->model.add(sample, shared.learned()[sample.endpoint], shared->routes, mixed, now_ms);
    });
  }
  if (set_aside > 0) shared->samples_set_aside.fetch_add(set_aside, std::memory_order_relaxed);
  return lost;
}

// Learns from the answers that wait, and how far away their endpoints are. `stall`: leaves them.
void take_in(const Shared& shared, std::int64_t now_ms, bool stall) noexcept {
  shared->samples_lost.add(learn(shared, now_ms, stall));
  state::renew_distances(shared, now_ms);
}

// True when the weights of endpoints differ.
bool renew_advice(const Shared& shared, const Config& config) noexcept {
  float seen = 0;
  bool differ = false;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    state::renew_advice(shared, config, i);
    if (!state::takes_part(shared, i)) continue;
    const float weight = shared.hot()[i].inverse_weight.get();
    differ |= seen > 0 && weight != seen;
    seen = weight;
  }
  return differ;
}

// The same before the first tick, which renews them: the configured ones.
bool weights_differ(const Shared& shared) noexcept {
  float seen = 0;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    if (!state::takes_part(shared, i)) continue;
    const float weight = shared.hot()[i].inverse_weight.get();
    if (seen > 0 && weight != seen) return true;
    seen = weight;
  }
  return false;
}

// Whether any endpoint is barred, limited or failing. Cleared before the look, not after:
// who makes an endpoint special sets its words first and then the mark, so that a mark
// which this look came too early for is not lost.
void renew_special(const Shared& shared) noexcept {
  // seq_cst: the clearing is seen by others before this process reads their words.
  shared->special.take_ordered(0);
  for (const state::Hot& hot : shared.hot()) {
    if ((hot.flags.get() & (state::kBarred | state::kLimited)) != 0 || hot.health.get() != 0) {
      shared->special.set(1);
      return;
    }
  }
}

// Compares all counts with the ledger while there is doubt. True if it did.
bool settle_doubt(const Shared& shared) noexcept {
  std::uint32_t doubt = shared->doubt.get();
  if (doubt == 0) return false;
  state::audit(shared, 0, shared.capacity());
  // When somebody has just set it again, it stays.
  shared->doubt.replace(doubt, std::min(doubt, Header::kDoubt) - 1);
  return true;
}

// Looks after a few endpoints, or after all when nobody did for a while: forgets what is old, and
// mends what can not be right.
void look_after(const Shared& shared, const Age& age) noexcept {
  const bool is_settled = settle_doubt(shared);
  const std::size_t n = shared.capacity();
  const std::size_t few = std::min(std::max(kLeastBatch, n / kRounds), n);
  const std::size_t batch = age.was_long() ? n : few;
  std::size_t at = shared->next_looked_after.get();
  if (at >= n) at = n - 1;
  if (!is_settled) {
    const std::size_t end = at + 1 + batch;
    state::audit(shared, at + 1, std::min(end, n));
    if (end > n) state::audit(shared, 0, end - n);
  }
  for (std::size_t i = 0; i < batch; ++i) {
    at = at + 1 < n ? at + 1 : 0;
    age.forget_old(shared, at);
    state::mend_estimates(shared, at);
  }
  shared->next_looked_after.set(static_cast<std::uint32_t>(at));
}

// What a death between two steps, or damage, can have left wrong.
void recount(const Shared& shared) noexcept {
  shared->endpoints.set(static_cast<std::uint32_t>(
      std::ranges::count_if(shared.records(), &state::Record::is_in_use)));
}

Switchback::Totals totals(const Shared& shared) noexcept {
  Switchback::Totals sum;
  for (const state::Record& record : shared.records()) {
    for (std::size_t r = 0; r < kResults; ++r) {
      const std::uint64_t count = record.results[r].get();
      const auto result = static_cast<Result>(r);
      if (is_failure(result)) sum.failures += count;
      if (is_failure(result) || result == Result::kOk) sum.answers += count;
    }
    sum.micros += record.occupied_us.get();
  }
  return sum;
}

void renew_chooser(const Shared& shared, const Config& config, std::int64_t now_ms) noexcept {
  if (!config.switchback || !config.chosen_policy().by_score) {
    shared->switchback.clear();
    return;
  }
  // What was compared outlives a model that was found insane and starts afresh.
  if (shared->plan().learned.get() == 0) return;
  shared->switchback.advance(now_ms, [&] { return totals(shared); });
}

// What was learned of the endpoints goes too: it is in units of the costs.
void start_afresh(const Shared& shared) noexcept {
  shared->model.reset();
  shared->routes.clear();
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    shared.hot()[i].speed.set(0);
    shared.hot()[i].slowness.set(0);
    shared.learned()[i].mixture = {};
  }
}

void publish(Header& header, bool has_transit, bool has_weights) noexcept {
  const Plan& current = header.plan();
  const Chooser chooser = header.switchback.chooser();
  const std::uint32_t transit = has_transit ? 1 : 0;
  const bool is_told = header.model.is_told(current) && current.chooser.get() == chooser &&
                       current.transit.get() == transit &&
                       (current.weighted.get() != 0) == has_weights;
  if (is_told && header.ticks.get() % kPublishAnyway != 0) return;
  const std::uint32_t index = header.plan_index.load(std::memory_order_relaxed) + 1;
  Plan& next = header.plans[index % Header::kPlans];
  next.chooser.set(chooser);
  next.transit.set(transit);
  header.model.publish(next, has_weights);
  next.plain.set(next.learned.get() != 0 && chooser == Chooser::kPolicy && transit == 0 ? 1 : 0);
  // release: pairs with the acquire in plan(), so that a pick sees the whole plan.
  header.plan_index.store(index, std::memory_order_release);
}

// How far `to` lies after `from`, modulo 2^64: stamps from damaged memory may be anything.
std::uint64_t ahead(std::int64_t from, std::int64_t to) noexcept {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

// How far the last tick is away, on either side; a tick's period when there was none.
Duration gap_before(const Header& header, std::int64_t us) noexcept {
  const std::int64_t last = header.tick_last.get();
  if (last == 0) return Pool::kTickPeriod;
  const std::uint64_t gap = us >= last ? ahead(last, us) : ahead(us, last);
  return Duration{static_cast<std::int64_t>(std::min<std::uint64_t>(gap, INT64_MAX))};
}

// Enters the tick if nobody is in it, or who is must be dead. Returns the entry, 0 when refused.
std::int64_t enter_tick(Header& header, TimePoint now, ProcessSlot self) noexcept {
  const std::int64_t ms = milliseconds(now) + 1;  // never zero
  const auto lease = static_cast<std::uint64_t>(Pool::kTickLease.count() / 1000);
  std::int64_t seen = header.tick_entry.load(std::memory_order_relaxed);
  const std::int64_t since = state::entry::since(seen);
  if (seen != 0 && (ahead(since, ms) < lease || ahead(ms, since) < lease)) return 0;
  const std::int64_t mine = state::entry::of(ms, self);
  // acquire: pairs with the release in leave_tick(): the model as the last one left it.
  if (!header.tick_entry.compare_exchange_strong(seen, mine, std::memory_order_acquire,
                                                 std::memory_order_relaxed)) {
    return 0;
  }
  return mine;
}

// Who was taken for dead and wakes up leaves the entry of its successor alone.
void leave_tick(Header& header, std::int64_t entered) noexcept {
  // release: pairs with enter_tick() of the next.
  header.tick_entry.compare_exchange_strong(entered, 0, std::memory_order_release,
                                            std::memory_order_relaxed);
}

}  // namespace

bool Pool::is_due(TimePoint now, Duration patience) const noexcept {
  const std::int64_t us = (now - patience).time_since_epoch().count();
  const std::uint64_t wait = ahead(us, header_->tick_due.get());
  // Further ahead than a tick ever is: the clock went back.
  return wait == 0 || wait >= static_cast<std::uint64_t>(kClockSlackUs + patience.count());
}

bool Pool::is_in_doubt() const noexcept { return header_->doubt.get() != 0; }

bool Pool::is_behind(ProcessSlot slot) const noexcept {
  return header_->lane(slot).waiting() >= kManyAnswers;
}

void Pool::catch_up(const Config& config, TimePoint now, ProcessSlot self) noexcept {
  const Shared shared = this->shared();
  Header& header = *header_;
  const std::int64_t entered = enter_tick(header, now, self);
  if (entered == 0) return;
  if (header.model.sane()) {  // else the tick starts afresh
    const bool stall = state::watch_stall(shared, config, now);
    take_in(shared, milliseconds(now), stall);
    if (stall) state::end_look(shared, stall, milliseconds(now));
    const bool has_weights =
        header.ticks.get() == 0 ? weights_differ(shared) : header.plan().weighted.get() != 0;
    publish(header, header.plan().transit.get() != 0, has_weights);
  }
  leave_tick(header, entered);
}

bool Pool::tick(const Config& config, TimePoint now, Duration patience, ProcessSlot self) noexcept {
  const Shared shared = this->shared();
  Header& header = *header_;
  if (!is_due(now, patience)) return false;
  const std::int64_t entered = enter_tick(header, now, self);
  if (entered == 0) return false;
  const std::int64_t us = now.time_since_epoch().count();
  const std::int64_t now_ms = milliseconds(now);
  header.tick_due.set(us + kTickPeriod.count());
  if (!header.model.sane()) start_afresh(shared);
  if (us + kClockSlackUs < header.tick_last.get()) header.model.distrust();
  const Duration gap = gap_before(header, us);
  header.tick_last.set(us);
  const bool stall = state::watch_stall(shared, config, now);
  take_in(shared, now_ms, stall);
  state::end_look(shared, stall, now_ms);
  if (stall) header.stalled.add(1);
  header.ticks.add(1);
  if (header.ticks.get() % kTicksPerSecond == 0) {
    header.routes.expire(now_ms);
    recount(shared);
  }
  look_after(shared, Age(config, now, gap.count() / 1000));
  state::renew_probed(shared, config);
  state::watch_outliers(shared, config, now);
  state::renew_warmth(shared, config, now);
  state::renew_tolls(shared, now, gap);
  const bool has_transit = state::renew_transit(shared, gap);
  state::renew_load(shared, config, now);
  state::renew_pardons(shared, now, gap);
  state::renew_brevity(shared);
  const bool has_weights = renew_advice(shared, config);
  state::renew_prior(shared, config, now);
  renew_special(shared);
  renew_chooser(shared, config, now_ms);
  publish(header, has_transit, has_weights);
  state::renew_slowness(shared, config, now);
  state::renew_history(shared, now);
  state::renew_shadow(shared, config, now, gap);
  state::renew_rest(shared, config);
  leave_tick(header, entered);
  return true;
}

}  // namespace leastwise
