// Load reports: what servers say of themselves, asked (guard/scrape.cc) or with each answer, and
// what is made of it.
//
// A report is never trusted more than what is measured. It can make a server look up to twice as
// dear, and never cheaper: one that always says 0 gains nothing. It does when the server is fuller
// than the median of those that report; for `adaptive`, which fills fast servers more on purpose,
// when it has 1.6 times less room than our own requests would leave it, by the throughput per
// utilisation of the last 20 seconds: others use it, too, of whom nothing is measured. After three
// seconds without a report, or three intervals where load is scraped, it counts for nothing. For
// `weighted` with `demand report` it gives the demand d = picks per second / utilisation, so that
// all servers come to the same utilisation (as gRPC's client-side weighted round robin, proposal
// A58, does); one that does not report gets the median.
#ifndef LEASTWISE_SRC_GUARD_LOAD_REPORT_H_
#define LEASTWISE_SRC_GUARD_LOAD_REPORT_H_

#include <cstdint>

#include "leastwise/config.h"
#include "leastwise/load_report.h"
#include "memory/state.h"

namespace leastwise::state {

// Of one answer. One compare-and-swap and an exponential.
void learn_report(Record& record, const LoadReport& report, const Config& config,
                  std::int64_t now_ms) noexcept;
// What of a report is only shown.
void note_queue(Record& record, const LoadReport& report, std::int64_t now_ms) noexcept;

// The utilisation that was reported of late, -1 if none was.
float utilisation_now(const Record& record, const Config& config, std::int64_t now_ms) noexcept;
bool is_queue_known(const Record& record, const Config& config, std::int64_t now_ms) noexcept;

// Renews each Record::report_factor and report_demand; without Config::report they count for
// nothing, whatever an earlier configuration left in memory. By the holder of the tick. O(n).
void renew_load(const Shared& shared, const Config& config, TimePoint now) noexcept;

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_GUARD_LOAD_REPORT_H_
