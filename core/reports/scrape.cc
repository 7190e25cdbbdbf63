#include "reports/scrape.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace leastwise {
namespace {

using Figure = ScrapeSettings::Figure;
using Series = ScrapeSettings::Series;
using Term = ScrapeSettings::Term;

constexpr double kMostFigure = 1e6;  // all the more is no measurement
constexpr double kSlack = 1e-6;      // of a share, for sums of what was rounded

// Shares, of which 1 is all.
bool is_share(Figure figure) noexcept { return figure == Figure::kMemory; }

class Evaluation {
 public:
  Evaluation(const ScrapeSettings& settings, const Samples& now, const Samples* before) noexcept
      : settings_(settings), now_(now), before_(before) {}

  // False: what the server says can not be meant.
  bool add(const Term& term) noexcept {
    double value = get(term.top);
    double below = term.divisor;
    if (term.below != Term::kNumber) below = get(term.below);
    if (value < 0 || below < 0) return true;  // not known
    if (!(below > 0)) return true;            // a counter that stands still, a machine without swap
    value /= below;
    if (term.is_rest) value = 1 - value;
    // Counters of several CPUs are not read at one instant.
    if (value < 0 && term.is_rest && settings_.series()[term.top].is_rate) value = 0;
    if (value < 0 && value > -kSlack) value = 0;
    if (!(value >= 0 && value <= kMostFigure)) return false;
    if (is_share(term.figure) && value > 1 + kSlack) return false;
    auto& figure = figures_[static_cast<std::size_t>(term.figure)];
    figure = std::max(figure.value_or(0), value);
    return true;
  }

  bool waits_for_more() const noexcept { return waits_; }
  bool has_any() const noexcept {
    return std::ranges::any_of(figures_, [](const auto& f) { return f.has_value(); });
  }

  LoadReport report() const noexcept {
    LoadReport r{.state = LoadReport::State::kGood};
    r.cpu = get(Figure::kCpu);
    r.memory = std::min(1.0F, get(Figure::kMemory));
    r.waiting = get(Figure::kWaiting);
    r.running = get(Figure::kRunning);
    r.utilisation = settings_.has(Figure::kLoad) ? get(Figure::kLoad) : r.cpu;
    return r;
  }

 private:
  float get(Figure figure) const noexcept {
    const auto& f = figures_[static_cast<std::size_t>(figure)];
    return f ? static_cast<float>(*f) : LoadReport::kUnknown;
  }

  // Negative: not known.
  double get(std::uint8_t place) noexcept {
    const double value = now_.values[place];
    if (value < 0 || !settings_.series()[place].is_rate) return value;
    const double old = before_ == nullptr ? Samples::kNone : before_->values[place];
    if (old < 0 || value < old || now_.at <= before_->at) {
      waits_ = true;
      return Samples::kNone;
    }
    return (value - old) / seconds(now_.at - before_->at);
  }

  const ScrapeSettings& settings_;
  const Samples& now_;
  const Samples* before_;
  std::array<std::optional<double>, ScrapeSettings::kFigures> figures_;
  bool waits_ = false;  // for the next sample of a counter
};

}  // namespace

bool Samples::add(const ScrapeSettings::Series& series, std::size_t place, double value) noexcept {
  if (std::isnan(value)) return true;
  if (!std::isfinite(value) || value < 0) return false;
  double& sum = values[place];
  if (sum < 0) {
    sum = value;
  } else {
    sum = series.is_max ? std::max(sum, value) : sum + value;
  }
  return std::isfinite(sum);
}

ProbeFault read_samples(std::string_view text, bool is_cut, const ScrapeSettings& settings,
                        Samples& out) noexcept {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == text.npos) return ProbeFault::kNoMetrics;
  const bool is_json = text[start] == '{' || text[start] == '[';
  // Half of a text of JSON is none.
  if (is_json && is_cut) return ProbeFault::kTooMuch;
  const ProbeFault fault = is_json ? read_metrics_json(text, settings, out)
                                   : read_metrics_text(text, is_cut, settings, out);
  if (fault != ProbeFault::kNone) return fault;
  const auto places = settings.series().size();
  const bool has_any = std::any_of(out.values.begin(), out.values.begin() + places,
                                   [](double value) { return value >= 0; });
  if (has_any) return ProbeFault::kNone;
  return is_cut ? ProbeFault::kTooMuch : ProbeFault::kNoMetrics;
}

ProbeFault report_of(const ScrapeSettings& settings, const Samples& now, const Samples* before,
                     LoadReport& out) noexcept {
  out = {};
  Evaluation all(settings, now, before);
  for (const Term& term : settings.terms()) {
    if (!all.add(term)) return ProbeFault::kBadMetrics;
  }
  if (all.has_any()) out = all.report();
  // Of a figure whose divisor is nought nothing is known either.
  return all.has_any() || all.waits_for_more() ? ProbeFault::kNone : ProbeFault::kNoMetrics;
}

}  // namespace leastwise
