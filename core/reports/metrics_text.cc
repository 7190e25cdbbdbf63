// Prometheus' text: NAME{LABEL="VALUE",…} VALUE [TIME], a sample a line.
#include <algorithm>
#include <charconv>

#include "reports/scrape.h"

namespace leastwise {
namespace {

using Series = ScrapeSettings::Series;

constexpr std::string_view kBlank = " \t\r";

void skip_blank(std::string_view& text) noexcept {
  while (!text.empty() && kBlank.find(text.front()) != kBlank.npos) text.remove_prefix(1);
}

// Go writes +Inf; from_chars() knows no plus.
bool read_value(std::string_view text, double& out) noexcept {
  if (text.starts_with('+')) text.remove_prefix(1);
  const std::size_t size = std::min(text.find_first_of(kBlank), text.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + size, out);
  return error == std::errc{} && end == text.data() + size;
}

// `text` begins behind a quote and ends behind the next that stands for itself.
bool skip_quoted(std::string_view& text, std::string_view& inside) noexcept {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      inside = text.substr(0, i);
      text.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

// Calls visit(name, value) for each label, and leaves what is behind the brace. False: there is
// none.
template <typename Visit>
bool read_labels(std::string_view& text, Visit visit) noexcept {
  while (true) {
    skip_blank(text);
    if (text.starts_with('}')) {
      text.remove_prefix(1);
      return true;
    }
    const std::size_t sign = text.find('=');
    if (sign == text.npos) return false;
    std::string_view name = text.substr(0, sign);
    while (!name.empty() && kBlank.find(name.back()) != kBlank.npos) name.remove_suffix(1);
    text.remove_prefix(sign + 1);
    skip_blank(text);
    std::string_view value;
    if (!text.starts_with('"')) return false;
    text.remove_prefix(1);
    if (!skip_quoted(text, value)) return false;
    visit(name, value);
    skip_blank(text);
    if (text.starts_with(',')) text.remove_prefix(1);
  }
}

// Whether the labels, which begin behind the brace, have all that the series asks for. An escape in
// a value is compared as it is written.
bool fits(const Series& series, std::string_view labels) noexcept {
  std::string_view rest = series.labels, name, value;
  while (take_label(rest, name, value)) {
    bool has = false;
    std::string_view text = labels;
    read_labels(text, [&](std::string_view n, std::string_view v) noexcept {
      has |= n == name && v == value;
    });
    if (!has) return false;
  }
  return true;
}

// One line of a name that is asked for. False: it can not be read.
bool add_sample(std::string_view name, std::string_view rest, const ScrapeSettings& settings,
                Samples& out) noexcept {
  std::string_view labels;
  skip_blank(rest);
  if (rest.starts_with('{')) {
    rest.remove_prefix(1);
    labels = rest;
    if (!read_labels(rest, [](std::string_view, std::string_view) noexcept {})) return false;
  }
  skip_blank(rest);
  double value = 0;
  if (!read_value(rest, value)) return false;
  for (std::size_t i = 0; i < settings.series().size(); ++i) {
    const Series& s = settings.series()[i];
    if (s.name == name && fits(s, labels) && !out.add(s, i, value)) return false;
  }
  return true;
}

bool is_asked_for(std::string_view name, const ScrapeSettings& settings) noexcept {
  return std::ranges::find(settings.series(), name, &Series::name) != settings.series().end();
}

// Samples of one name stand together; those that the text ends with may not be all.
void forget(std::string_view name, const ScrapeSettings& settings, Samples& out) noexcept {
  for (std::size_t i = 0; i < settings.series().size(); ++i) {
    if (settings.series()[i].name == name) out.values[i] = Samples::kNone;
  }
}

}  // namespace

ProbeFault read_metrics_text(std::string_view text, bool is_cut, const ScrapeSettings& settings,
                             Samples& out) noexcept {
  std::string_view last;
  bool has_line = false;
  while (!text.empty()) {
    const std::size_t size = text.find('\n');
    if (size == text.npos && is_cut) break;
    std::string_view line = text.substr(0, std::min(size, text.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    skip_blank(line);
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t end = std::min(line.find_first_of("{ \t"), line.size());
    const std::string_view name = line.substr(0, end);
    has_line |= end < line.size();
    last = name;
    if (!is_asked_for(name, settings)) continue;
    if (!add_sample(name, line.substr(end), settings, out)) return ProbeFault::kBadMetrics;
  }
  if (is_cut) forget(last, settings, out);
  if (has_line) return ProbeFault::kNone;
  return is_cut ? ProbeFault::kTooMuch : ProbeFault::kNoText;
}

}  // namespace leastwise
