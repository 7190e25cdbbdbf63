// Scraped: reads what a server exposes of itself, Prometheus' text or JSON, and makes a load report
// of it.
//
// All that is read here comes from a network. What was not asked for is skipped and may be
// anything; a sample that was must be a number, or NaN, which is no sample. A figure that is
// negative, infinite, or a share above 1 refuses all of them.
//
// Functions without state; JSON allocates; nothing is thrown.
#ifndef LEASTWISE_REPORTS_SCRAPE_H_
#define LEASTWISE_REPORTS_SCRAPE_H_

#include <array>
#include <string_view>

#include "leastwise/clock.h"
#include "leastwise/load_report.h"
#include "leastwise/probe.h"
#include "leastwise/scrape.h"

namespace leastwise {

// What one answer had of each series of the settings, and when. Counters need two of them.
struct Samples {
  static constexpr double kNone = -1;

  // Adds one sample. False when it can not be meant.
  bool add(const ScrapeSettings::Series& series, std::size_t place, double value) noexcept;

  std::array<double, ScrapeSettings::kMostSeries> values;
  TimePoint at{};

  Samples() noexcept { values.fill(kNone); }
};

// kNone, or what is wrong with the text. `is_cut`: there was more, so what it ends with may not be
// all of its kind.
ProbeFault read_samples(std::string_view text, bool is_cut, const ScrapeSettings& settings,
                        Samples& out) noexcept;
// Each reads one form. kNone, kBadMetrics, kNoText, or kTooMuch of a line that has no end.
ProbeFault read_metrics_text(std::string_view text, bool is_cut, const ScrapeSettings& settings,
                             Samples& out) noexcept;
ProbeFault read_metrics_json(std::string_view text, const ScrapeSettings& settings,
                             Samples& out) noexcept;

// What follows from them. Of the first samples of counters nothing does, nor when one of them
// began anew: the report is none then, and nothing is wrong. `before` is nullptr when there were
// none.
ProbeFault report_of(const ScrapeSettings& settings, const Samples& now, const Samples* before,
                     LoadReport& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_REPORTS_SCRAPE_H_
