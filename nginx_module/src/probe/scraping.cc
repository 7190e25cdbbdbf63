// What comes of a scrape: a load report, and a line of the log when there are none any more.
#include <array>

#include "probe/target.h"
#include "shared/timer.h"

namespace leastwise::nginx {
namespace {

const ProbeSettings& settings(const Config& config) noexcept { return config.scrape.ask; }

Duration since(const Pool& pool, EndpointId id, TimePoint now) noexcept {
  return pool.since_scrape(id, now);
}

// The report that follows from an answer, and what is wrong with it.
ProbeResult read(Target& target, std::string_view body, bool is_cut, LoadReport& out) noexcept {
  const ScrapeSettings& scrape = target.all->upstream->config.scrape;
  Samples& before = *target.before;
  Samples found;
  found.at = now();
  ProbeFault fault = read_samples(body, is_cut, scrape, found);
  if (fault == ProbeFault::kNone) {
    fault = report_of(scrape, found, before.at == TimePoint{} ? nullptr : &before, out);
    before = found;
  }
  if (fault != ProbeFault::kNone) out.state = LoadReport::State::kRefused;
  return {fault};
}

void tell(const Target& target, const ProbeResult& result) noexcept {
  std::array<char, 160> buffer;
  Text text(buffer);
  describe(result, target.all->settings(), text);
  const std::string_view next =
      result.fault == ProbeFault::kTooMuch
          ? "have it say less, as node_exporter does for /metrics?collect[]=cpu"
          : advice(result);
  ngx_log_error(
      NGX_LOG_WARN, ngx_cycle->log, 0,
      "the load of server %V of upstream \"%V\" is not known: %uD scrapes in a row failed, "
      "the last with \"%*s\"; %*s. Until one passes its load is not looked at",
      &target.name, &target.all->upstream->shown_name, ScrapeSettings::kFails, text.view().size(),
      text.view().data(), next.size(), next.data());
}

void note(Target& target, const ProbeResult& result, std::string_view body) noexcept {
  Upstream& upstream = *target.all->upstream;
  LoadReport report;
  ProbeResult found = result;
  const bool is_cut = result.fault == ProbeFault::kTooMuch && !body.empty();
  if (result.passed() || is_cut) found = read(target, body, is_cut, report);
  const ProbeChange change =
      upstream.pool.note_scrape(target.id, found, report, upstream.config, now());
  if (change == ProbeChange::kDown) tell(target, found);
  if (change == ProbeChange::kUp) {
    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "the load of server %V of upstream \"%V\" is known again", &target.name,
                  &upstream.shown_name);
  }
}

}  // namespace

const Errand kScraping{settings, since, note, "scrape", true};

}  // namespace leastwise::nginx
