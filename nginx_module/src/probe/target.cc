#include "probe/target.h"

#include <algorithm>
#include <array>

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

void tell_down(const Target& target, const ProbeResult& result) noexcept {
  const ProbeSettings& settings = target.all->upstream->config.probe;
  std::array<char, 160> buffer;
  Text text(buffer);
  describe(result, settings, text);
  const std::string_view next = advice(result);
  ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                "server %V of upstream \"%V\" is left out: %uD probes in a row failed, the last "
                "with \"%*s\"; %*s. %uD in a row that pass bring it back",
                &target.name, &target.all->upstream->shown_name, settings.fails, text.view().size(),
                text.view().data(), next.size(), next.data(), settings.passes);
}

// There is no panic among those that never passed.
void tell_nobody(const Upstream& upstream) noexcept {
  std::size_t n = 0;
  upstream.pool.for_each([&](EndpointId id) noexcept {
    const ProbeView probe = upstream.pool.view(id, upstream.config, now()).probe;
    if (probe.waits && probe.failed) ++n;
  });
  if (n == 0 || n < upstream.pool.endpoints()) return;
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                "none of the %uz servers of upstream \"%V\" has ever passed a probe, and with "
                "\"mandatory\" none is used before: requests fail until one passes; mend what the "
                "probes ask for, or take \"mandatory\" out",
                n, &upstream.shown_name);
}

void tell_up(const Target& target, ProbeChange change) noexcept {
  const ProbeSettings& settings = target.all->upstream->config.probe;
  if (change == ProbeChange::kUp) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "server %V of upstream \"%V\" is back: %uD probes in a row passed", &target.name,
                  &target.all->upstream->shown_name, settings.passes);
  } else if (settings.mandatory) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "server %V of upstream \"%V\" has passed its first probe and is used",
                  &target.name, &target.all->upstream->shown_name);
  }
}

// Once a minute: what is missing may be so for long.
void tell_no_resource(const Target& target) noexcept {
  static time_t told = 0;
  if (ngx_time() - told < 60) return;
  told = ngx_time();
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                "no probe could be sent to server %V of upstream \"%V\": no socket, connection or "
                "memory left for it; raise \"worker_connections\" or \"worker_rlimit_nofile\"",
                &target.name, &target.all->upstream->shown_name);
}

}  // namespace

void Target::wait(Duration time) noexcept {
  // Rounded up: else it would be asked again within the same millisecond.
  ngx_add_timer(this, static_cast<ngx_msec_t>(micros(time) / 1000 + 1));
}

void Target::schedule_first() noexcept {
  const ProbeSettings& settings = all->upstream->config.probe;
  const Duration since = all->upstream->pool.since_probe(id, now());
  if (since == Duration::max()) {
    const Duration spread = settings.mandatory ? kSpreadMandatory : kSpread;
    return wait(random_below(all->rng, std::min(spread, settings.interval)));
  }
  wait(next_interval(settings, all->rng) - since);
}

void Target::schedule_next() noexcept {
  wait(next_interval(all->upstream->config.probe, all->rng) - (now() - began));
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
    return on_done(&target, {ProbeFault::kTimeout});
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
  Question question{.settings = &upstream.config.probe,
                    .host = view(upstream.name),
                    .address = address,
                    .address_size = address_size,
                    .name = &name};
#if (NGX_SSL)
  if (upstream.config.probe.tls) question.tls = &all->tls;
#endif
  ProbeResult result;
  switch (Exchange::begin(question, on_done, this, exchange, result)) {
    case Exchange::Start::kGoesOn:
      ++all->on_their_way;
      return wait(upstream.config.probe.timeout);
    case Exchange::Start::kOver:
      note(result);
      return schedule_next();
    case Exchange::Start::kNoResource:
      tell_no_resource(*this);
      return wait(kNoRoomWait);
  }
}

void Target::on_done(void* self, const ProbeResult& result) noexcept {
  auto& target = *static_cast<Target*>(self);
  target.exchange = nullptr;
  --target.all->on_their_way;
  if (target.timer_set) ngx_del_timer(&target);
  target.note(result);
  target.schedule_next();
}

void Target::note(const ProbeResult& result) noexcept {
  Upstream& upstream = *all->upstream;
  const TimePoint time = now();
  if (!upstream.pool.leads_probes(self(), time)) return;  // another one has asked by now
  const ProbeChange change = upstream.pool.note_probe(id, result, upstream.config, time);
  if (change == ProbeChange::kDown) {
    tell_down(*this, result);
    if (upstream.config.probe.mandatory) tell_nobody(upstream);
  } else if (change != ProbeChange::kNone) {
    tell_up(*this, change);
  }
}

}  // namespace leastwise::nginx
