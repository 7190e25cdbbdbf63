// What is scraped is whatever a server, or who listens in its place, answers.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "reports/scrape.h"

using namespace leastwise;

namespace {

constexpr std::string_view kWords[] = {"scrape",          "/",
                                       "max:a.b.0/64",    "a{b=c}/all",
                                       "memory=m",        "cpu=1-rate:idle{mode=idle}/rate:all",
                                       "waiting=a.b.1.c", "preset=vllm"};

const ScrapeSettings& settings() {
  static const ScrapeSettings s = [] {
    ScrapeSettings made;
    for (const std::string_view word : kWords) {
      if (!set(made, word).ok()) std::abort();
    }
    if (!complete(made).ok()) std::abort();
    return made;
  }();
  return s;
}

void check(const LoadReport& report) {
  for (const float figure :
       {report.cpu, report.memory, report.utilisation, report.waiting, report.running}) {
    const bool is_unknown = figure == LoadReport::kUnknown;
    if (!is_unknown && !(figure >= 0 && std::isfinite(figure))) std::abort();
    if (!is_unknown && report.state != LoadReport::State::kGood) std::abort();
  }
  if (report.memory > 1) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  Samples before;
  before.at = TimePoint{} + std::chrono::seconds(1);
  read_samples(text.substr(0, size / 2), false, settings(), before);
  for (const bool is_cut : {false, true}) {
    Samples now;
    now.at = TimePoint{} + std::chrono::seconds(2);
    if (read_samples(text, is_cut, settings(), now) != ProbeFault::kNone) continue;
    LoadReport report;
    report_of(settings(), now, &before, report);
    check(report);
    report_of(settings(), now, nullptr, report);
    check(report);
  }
  // A word of a configuration is not hostile, but may be anything, too.
  ScrapeSettings other = settings();
  other.add_term(text);
  return 0;
}
