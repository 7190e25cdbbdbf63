// What was scraped of an endpoint: a load report, and how the scrape ended.
#include "guard/load_report.h"
#include "leastwise/pool.h"
#include "words/probe_word.h"

namespace leastwise {

ProbeChange Pool::note_scrape(EndpointId id, const ProbeResult& result, const LoadReport& report,
                              const Config& config, TimePoint now) noexcept {
  if (index(id) >= capacity()) return ProbeChange::kNone;
  state::Record& record = shared().records()[index(id)];
  const std::int64_t ms = milliseconds(now);
  ProbeChange change = ProbeChange::kNone;
  record.scrape.update([&](std::uint64_t word) noexcept {
    Probed p = probed::unpack(word);
    change = probed::add(p, result, 1, ScrapeSettings::kFails, static_cast<std::uint32_t>(ms));
    return probed::pack(p);
  });
  state::learn_report(record, report, config, ms);
  if (report.state == LoadReport::State::kGood) state::note_queue(record, report, ms);
  return change;
}

Duration Pool::since_scrape(EndpointId id, TimePoint now) const noexcept {
  if (index(id) >= capacity()) return Duration::max();
  return probed::age(shared().records()[index(id)].scrape.get(), now);
}

}  // namespace leastwise
