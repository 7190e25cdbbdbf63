#include "probe/target.h"

#include <algorithm>

#include "shared/timer.h"

namespace leastwise::nginx {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kMostAtOnce = 128;  // probes on their way, of an upstream
constexpr ngx_uint_t kPartForRequests = 8;  // one of so many connections is left to requests
constexpr Duration kNoRoomWait = 50ms;
constexpr Duration kSpread = 1s;  // of the first probes of servers that nobody knows
constexpr Duration kSpreadMandatory = 100ms;

std::uint64_t micros(Duration d) noexcept {
  return static_cast<std::uint64_t>(std::max(d, Duration::zero()).count());
}

Duration random_below(Rng& rng, Duration most) noexcept {
  const auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(micros(most), UINT32_MAX - 1));
  return Duration{rng.below(n + 1)};
}

// Shorter by the jitter, never longer: it is a bound on how late a failure is noticed.
Duration next_interval(const ProbeSettings& settings, Rng& rng) noexcept {
  return settings.interval - random_below(rng, settings.interval * settings.jitter / 100);
}

// Once a minute: what is missing may be so for long.
void tell_no_resource(const Target& target) noexcept {
  static time_t told = 0;
  if (ngx_time() - told < 60) return;
  told = ngx_time();
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                "no %*s could be sent to server %V of upstream \"%V\": no socket, connection or "
                "memory left for it; raise \"worker_connections\" or \"worker_rlimit_nofile\"",
                target.all->errand->name.size(), target.all->errand->name.data(), &target.name,
                &target.all->upstream->shown_name);
}

}  // namespace

void Target::wait(Duration time) noexcept {
  // Rounded up: else it would be asked again within the same millisecond.
  ngx_add_timer(this, static_cast<ngx_msec_t>(micros(time) / 1000 + 1));
}

void Target::schedule_first() noexcept {
  const ProbeSettings& settings = all->settings();
  const Duration since = all->errand->since(all->upstream->pool, id, now());
  if (since == Duration::max()) {
    const Duration spread = settings.mandatory ? kSpreadMandatory : kSpread;
    return wait(random_below(all->rng, std::min(spread, settings.interval)));
  }
  wait(next_interval(settings, all->rng) - since);
}

void Target::schedule_next() noexcept {
  wait(next_interval(all->settings(), all->rng) - (now() - began));
}

void Target::cancel() noexcept {
  if (timer_set) ngx_del_timer(this);
  if (exchange == nullptr) return;
  exchange->end();
  exchange = nullptr;
  --all->on_their_way;
}

// Requests come first: when connections become few, probes wait.
bool Target::has_room() const noexcept {
  return all->on_their_way < kMostAtOnce &&
         ngx_cycle->free_connection_n > ngx_cycle->connection_n / kPartForRequests;
}

void Target::on_timer(ngx_event_t* event) noexcept {
  auto& target = *static_cast<Target*>(event);
  if (is_leaving()) return target.cancel();
  if (target.exchange != nullptr) {
    target.exchange->end();
    return on_done(&target, {ProbeFault::kTimeout}, {});
  }
  Upstream& upstream = *target.all->upstream;
  // Else the next turn finds out and ends all of them.
  if (!upstream.pool.leads_probes(self(), now())) return target.wait(kNoRoomWait);
  target.began = now();
  if ((upstream.pool.settings(target.id).flags & kDown) != 0) return target.schedule_next();
  if (!target.has_room()) return target.wait(kNoRoomWait);
  target.begin();
}

void Target::begin() noexcept {
  Upstream& upstream = *all->upstream;
  Question question{.settings = &all->settings(),
                    .host = view(upstream.name),
                    .wants_body = all->errand->is_scrape,
                    .address = address,
                    .address_size = address_size,
                    .name = &name};
#if (NGX_SSL)
  if (all->settings().tls) question.tls = &all->tls;
#endif
  ProbeResult result;
  switch (Exchange::begin(question, on_done, this, exchange, result)) {
    case Exchange::Start::kGoesOn:
      ++all->on_their_way;
      return wait(all->settings().timeout);
    case Exchange::Start::kOver:
      note(result, {});
      return schedule_next();
    case Exchange::Start::kNoResource:
      tell_no_resource(*this);
      return wait(kNoRoomWait);
  }
}

void Target::on_done(void* self, const ProbeResult& result, std::string_view body) noexcept {
  auto& target = *static_cast<Target*>(self);
  target.exchange = nullptr;
  --target.all->on_their_way;
  if (target.timer_set) ngx_del_timer(&target);
  target.note(result, body);
  target.schedule_next();
}

void Target::note(const ProbeResult& result, std::string_view body) noexcept {
  if (!all->upstream->pool.leads_probes(self(), now())) return;  // another one has asked by now
  all->errand->note(*this, result, body);
}

}  // namespace leastwise::nginx
