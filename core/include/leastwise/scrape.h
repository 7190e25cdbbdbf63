// Scrape: how a server's load is read from what it exposes already, Prometheus' text or JSON, apart
// from requests of clients.
//
// ScrapeSettings is what `report scrape` says, word by word. The front end asks, as it does for
// probes; core/reports/scrape.h reads the answer, and Pool::note_scrape takes it for a load report.
#ifndef LEASTWISE_SCRAPE_H_
#define LEASTWISE_SCRAPE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/clock.h"
#include "leastwise/probe.h"
#include "leastwise/status.h"

namespace leastwise {

// Texts are views of the caller's memory.
class ScrapeSettings {
 public:
  static constexpr Duration kMostInterval = std::chrono::seconds(15);  // load is of now
  static constexpr std::uint32_t kFails = 3;  // in a row, and the log says so
  static constexpr std::size_t kMostTerms = 12, kMostSeries = 2 * kMostTerms;

  // A figure that is exposed: all samples of that name that have these labels, added up.
  struct Series {
    std::string_view name;    // of JSON: the names on the way there, with dots between
    std::string_view labels;  // "mode=idle,cpu=0"; empty: any
    bool is_rate = false;     // a counter: what it grows by
    bool is_max = false;      // the largest sample instead

    friend bool operator==(const Series&, const Series&) noexcept = default;
  };
  enum class Figure : std::uint8_t { kLoad, kCpu, kMemory, kWaiting, kRunning };
  static constexpr std::size_t kFigures = 5;
  // (1 -) top / below; the largest of its terms is a figure.
  struct Term {
    static constexpr std::uint8_t kNumber = 0xff;

    Figure figure = Figure::kLoad;
    bool is_rest = false;  // 1 less that
    std::uint8_t top = 0;  // a place in series()
    std::uint8_t below = kNumber;
    double divisor = 1;  // unless `below` is a place
  };

  bool is_on() const noexcept { return ask.is_on(); }
  // For so long a figure counts: until the third that was due has not come.
  Duration fresh() const noexcept { return 3 * ask.interval; }
  std::span<const Series> series() const noexcept { return {series_.data(), series_count_}; }
  std::span<const Term> terms() const noexcept { return {terms_.data(), term_count_}; }
  bool has(Figure figure) const noexcept;

  // One term of a figure, "[FIGURE=][1-][rate:|max:]NAME[{LABEL=VALUE,…}][/NUMBER | /NAME…]".
  // False, and nothing changed, when it is none.
  bool add_term(std::string_view text) noexcept;

  ProbeSettings ask;  // where and when; on once the first word was read
  bool has_uri = false;
  bool is_host = false;  // preset=node_exporter: its uri says what it asks for
  std::string_view preset;

 private:
  bool read_series(std::string_view& text, std::uint8_t& place) noexcept;

  std::array<Series, kMostSeries> series_{};
  std::array<Term, kMostTerms> terms_{};
  std::uint8_t series_count_ = 0, term_count_ = 0;
};

// The next of labels that are written "NAME=VALUE,NAME=\"VALUE\"". False at their end, and at what
// is none: `rest` is empty at their end alone.
bool take_label(std::string_view& rest, std::string_view& name, std::string_view& value) noexcept;

// Reads one word: "scrape", the URI, and then parameters and METRICs in any order. Unchanged on
// error.
Status set(ScrapeSettings& settings, std::string_view word) noexcept;
// Whether the words fit together, once all are read; sets what follows from a preset.
Status complete(ScrapeSettings& settings) noexcept;

// What is known of the scrapes of an endpoint.
struct ScrapeView {
  bool is_known = false;  // it was asked
  bool failed = false;    // too often in a row: the log said so
  ProbeResult last;
  std::uint32_t in_a_row = 0;  // that ended as the last did, at most 4095
  float age = 0;               // of the last, seconds
};

}  // namespace leastwise

#endif  // LEASTWISE_SCRAPE_H_
