// Pool: the slow half.
#include <algorithm>

#include "leastwise/decay.h"
#include "leastwise/pool.h"
#include "state.h"

namespace leastwise {
namespace {

using state::Header;
using state::Shared;

constexpr std::size_t kAuditBatch = 256;     // endpoints per tick
constexpr std::uint64_t kManySamples = 512;  // in a tick: then the mixture takes one in eight
constexpr std::int64_t kClockSlackUs = 1'000'000;

std::uint64_t learn(const Shared& shared, std::int64_t now_ms) noexcept {
  std::uint64_t lost = 0;
  std::uint64_t seen = 0;
  for (AnswerRing& lane : shared->lanes) {
    lost += lane.drain([&](const Answer& sample) noexcept {
      if (sample.endpoint >= shared.capacity()) return;
      const bool mixed = ++seen <= kManySamples || seen % 8 == 0;
      shared->model.add(sample, shared.learned()[sample.endpoint], shared->routes, mixed, now_ms);
    });
  }
  return lost;
}

// Renews each endpoint's base from the fastest answers of this window.
void renew_base(const Shared& shared, BaseDelay::Due due) noexcept {
  if (due == BaseDelay::Due::kNothing) return;
  auto hot = shared.hot();
  auto learned = shared.learned();
  const auto fastest = [&](std::size_t i) noexcept {
    return due == BaseDelay::Due::kWindow ? learned[i].base.fastest : hot[i].fastest.get();
  };
  float least = 0;
  for (std::size_t i = 0; i < hot.size(); ++i) {
    if (due == BaseDelay::Due::kWindow) {
      const float window = hot[i].fastest.take(0);
      float& smooth = learned[i].base.fastest;
      if (window > 0) smooth = smooth > 0 ? 0.5F * smooth + 0.5F * window : window;
    }
    const float f = fastest(i);
    if (f > 0 && (least <= 0 || f < least)) least = f;
  }
  for (std::size_t i = 0; i < hot.size(); ++i) {
    const float f = fastest(i);
    hot[i].base.set(f > 0 ? std::max(0.0F, f - least) : 0.0F);
  }
}

// Sums so old that their landmark's number comes round again are set to unknown.
void drop_stale(const Shared& shared, const Config& config, TimePoint now) noexcept {
  Decay decay;
  decay.set(config.decay, now);
  for (state::Hot& hot : shared.hot()) {
    std::uint64_t word = hot.speed.get();
    if (word != 0 && decay.left(speed::unpack(word).epoch) <= 0) hot.speed.replace(word, 0);
  }
}

void publish(Header& header) noexcept {
  const std::uint32_t next = header.plan_index.load(std::memory_order_relaxed) + 1;
  header.model.publish(header.plans[next % Header::kPlans]);
  // release: pairs with the acquire in plan(), so that a pick sees the whole plan.
  header.plan_index.store(next, std::memory_order_release);
}

// Enters the tick if it is due and nobody is in it, or who is must be dead.
bool enter(Header& header, TimePoint now) noexcept {
  const std::int64_t us = now.time_since_epoch().count();
  const std::int64_t due = header.tick_due.get();
  // Far ahead: the clock went back.
  if (us < due && due - us < kClockSlackUs) return false;
  const std::int64_t ms = milliseconds(now) + 1;  // never zero
  std::int64_t since = header.tick_since.load(std::memory_order_relaxed);
  const std::int64_t lease =
      std::chrono::duration_cast<std::chrono::milliseconds>(Pool::kTickLease).count();
  if (since != 0 && ms - since < lease && since - ms < lease) return false;
  // acquire: pairs with leave(): the model as the last tick left it.
  if (!header.tick_since.compare_exchange_strong(since, ms, std::memory_order_acquire,
                                                 std::memory_order_relaxed)) {
    return false;
  }
  header.tick_due.set(us + Pool::kTickPeriod.count());
  return true;
}

}  // namespace

bool Pool::tick(const Config& config, TimePoint now) noexcept {
  const Shared shared = this->shared();
  Header& header = *header_;
  if (!enter(header, now)) return false;
  const std::int64_t us = now.time_since_epoch().count();
  const std::int64_t now_ms = milliseconds(now);
  if (!header.model.sane()) {
    header.model.reset();
    header.routes.clear();
  }
  if (us + kClockSlackUs < header.tick_last.get()) header.model.distrust();
  header.tick_last.set(us);
  header.model.count_tick(learn(shared, now_ms));
  renew_base(shared, header.model.base().due(now_ms, header.model.samples()));
  header.routes.expire(now_ms);
  drop_stale(shared, config, now);
  state::audit(shared, kAuditBatch);
  publish(header);
  // release: pairs with enter() of the next tick.
  header.tick_since.store(0, std::memory_order_release);
  return true;
}

}  // namespace leastwise
