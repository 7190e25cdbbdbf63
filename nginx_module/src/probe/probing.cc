// What comes of a probe: who is left out, who is back, and a line of the log for each.
#include <array>

#include "probe/target.h"
#include "shared/timer.h"

namespace leastwise::nginx {
namespace {

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

const ProbeSettings& settings(const Config& config) noexcept { return config.probe; }

Duration since(const Pool& pool, EndpointId id, TimePoint now) noexcept {
  return pool.since_probe(id, now);
}

void note(Target& target, const ProbeResult& result, std::string_view) noexcept {
  Upstream& upstream = *target.all->upstream;
  const ProbeChange change = upstream.pool.note_probe(target.id, result, upstream.config, now());
  if (change == ProbeChange::kDown) {
    tell_down(target, result);
    if (upstream.config.probe.mandatory) tell_nobody(upstream);
  } else if (change != ProbeChange::kNone) {
    tell_up(target, change);
  }
}

}  // namespace

const Errand kProbing{settings, since, note, "probe", false};

}  // namespace leastwise::nginx
