// The values of directives: how each type is read, and what is accepted of it.
#include <algorithm>
#include <charconv>

#include "leastwise/config.h"
#include "leastwise/residency.h"
#include "tune/duration.h"
#include "tune/number.h"

namespace leastwise {
namespace {

constexpr std::uint32_t kMostAnswers = 1000;
constexpr std::string_view kScrapeWord = "scrape";

template <typename T>
struct Word {
  std::string_view text;
  T value;
};
constexpr Word<Demand> kDemands[] = {
    {"static", Demand::kStatic}, {"speed", Demand::kSpeed}, {"report", Demand::kReport}};
constexpr Word<bool> kSwitch[] = {{"on", true}, {"off", false}};
constexpr Word<Sample> kSamples[] = {
    {"auto", Sample::kAuto}, {"first_byte", Sample::kFirstByte}, {"full", Sample::kFull}};

// "a, b or c"
template <typename Range, typename Name>
void print_list(const Range& range, Name name, Text& out) noexcept {
  for (std::size_t i = 0; i < std::size(range); ++i) {
    if (i > 0) out << (i + 1 == std::size(range) ? " or " : ", ");
    out << name(range[i]);
  }
}

Status refuse(std::string_view text, const Directive& d) noexcept {
  std::array<char, 192> buffer;
  Text what(buffer);
  accepted(d, what);
  return {Status::Code::kBadValue, {"invalid value \"", text, "\": expected ", what.view()}};
}

template <typename T, std::size_t kSize>
Status read_word(std::string_view text, const Directive& d, const Word<T> (&words)[kSize],
                 T& out) noexcept {
  const auto* found = std::ranges::find(words, text, &Word<T>::text);
  if (found == std::end(words)) return refuse(text, d);
  out = found->value;
  return {};
}

Status read(std::string_view text, const Directive& d, Demand& out) noexcept {
  return read_word(text, d, kDemands, out);
}

Status read(std::string_view text, const Directive& d, Sample& out) noexcept {
  return read_word(text, d, kSamples, out);
}

// nginx takes ON and Off as well.
Status read(std::string_view text, const Directive& d, bool& out) noexcept {
  constexpr auto kLower = [](char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  for (const auto& [word, value] : kSwitch) {
    if (!std::ranges::equal(text, word, {}, kLower)) continue;
    out = value;
    return {};
  }
  return refuse(text, d);
}

Status read(std::string_view text, const Directive& d, Percent& out) noexcept {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc{} || unit != "%" || number > 100) return refuse(text, d);
  out.value = number;
  return {};
}

Status read(std::string_view text, const Directive& d, Networks& out) noexcept {
  return Networks::parse(text, out).ok() ? Status{} : refuse(text, d);
}

Status read(std::string_view text, const Directive& d, Answers& out) noexcept {
  return read_number(text, 0, kMostAnswers, out.value) ? Status{} : refuse(text, d);
}

bool has_name_in(std::string_view map, std::string_view text) noexcept {
  return text.size() > map.size() && std::equal(map.begin(), map.end(), text.begin());
}

bool is_metric(std::string_view text) noexcept {
  return text == "cpu_utilization" || text == "mem_utilization" ||
         text == "application_utilization" || has_name_in("utilization.", text) ||
         has_name_in("named_metrics.", text);
}

Status read(std::string_view text, const Directive& d, ReportMetric& out) noexcept {
  if (text == "off") {
    out = {};
    return {};
  }
  if (text.size() > ReportMetric::kMost || (text != "on" && !is_metric(text))) {
    return refuse(text, d);
  }
  out = text;
  return {};
}

Status read(std::string_view text, const Directive& d, Failures& out) noexcept {
  return out.add(text).ok() ? Status{} : refuse(text, d);
}

Status read(std::string_view text, const Directive&, ProbeSettings& out) noexcept {
  return set(out, text);
}

Status read(std::string_view text, const Directive& d, Duration& out) noexcept {
  return parse_duration(text, d.min, d.max, out).ok() ? Status{} : refuse(text, d);
}

// A number with a unit, as nginx has it.
Status read(std::string_view text, const Directive& d, Size& out) noexcept {
  constexpr std::string_view kUnits = "kmgKMG";
  const std::size_t unit = text.empty() ? kUnits.npos : kUnits.find(text.back());
  if (unit == kUnits.npos) return refuse(text, d);
  const std::string_view digits(text.data(), text.size() - 1);
  std::uint32_t number = 0;
  if (!read_number(digits, 1, UINT32_MAX, number)) return refuse(text, d);
  const std::uint64_t bytes = std::uint64_t{number} << 10 * (unit % 3 + 1);
  if (bytes < kLeastResidency || bytes > kMostResidency) return refuse(text, d);
  out.bytes = bytes;
  return {};
}

Status read(std::string_view text, const Directive& d, const Policy*& out) noexcept {
  const Policy* found = find_policy(text);
  if (found == nullptr) return refuse(text, d);
  out = found;
  return {};
}

Status read(std::string_view text, const Directive& d, std::string_view& out) noexcept {
  if (text.empty()) return refuse(text, d);
  out = text;
  return {};
}

}  // namespace

bool takes_several(const Directive& d, std::string_view first) noexcept {
  return std::holds_alternative<Failures Config::*>(d.field) ||
         std::holds_alternative<ProbeSettings Config::*>(d.field) ||
         (std::holds_alternative<ReportMetric Config::*>(d.field) && first == kScrapeWord);
}

Status set(Config& config, const Directive& directive, std::string_view text) noexcept {
  const bool sets_report = directive.field == Field(&Config::report);
  if (sets_report && (text == kScrapeWord || config.scrape.is_on())) {
    config.report = {};  // what `demand report` may have set
    return set(config.scrape, text);
  }
  const Status status = std::visit(
      [&](auto field) noexcept { return read(text, directive, config.*field); }, directive.field);
  // Else `demand report` alone would be `demand static`, and nobody would know.
  const bool sets_demand = directive.field == Field(&Config::demand);
  if (status.ok() && sets_demand && config.demand == Demand::kReport && !config.has_reports()) {
    config.report = std::string_view("on");
  }
  return status;
}

void accepted(const Directive& d, Text& out) noexcept {
  if (std::holds_alternative<const Policy * Config::*>(d.field)) {
    print_list(
        policies(), [](const Policy* p) noexcept { return p->name; }, out);
  } else if (std::holds_alternative<Demand Config::*>(d.field)) {
    print_list(
        kDemands, [](const auto& w) noexcept { return w.text; }, out);
  } else if (std::holds_alternative<Sample Config::*>(d.field)) {
    print_list(
        kSamples, [](const auto& w) noexcept { return w.text; }, out);
  } else if (std::holds_alternative<bool Config::*>(d.field)) {
    out << "on or off";
  } else if (std::holds_alternative<Percent Config::*>(d.field)) {
    out << "a part from 0% to 100%";
  } else if (std::holds_alternative<Networks Config::*>(d.field)) {
    out << "1 to 16 networks with commas between, as in 10.1.0.0/16,fd00::/8";
  } else if (std::holds_alternative<ReportMetric Config::*>(d.field)) {
    out << "off, on, cpu_utilization, mem_utilization, application_utilization, utilization.NAME "
           "or named_metrics.NAME; in nginx also scrape and a URI";
  } else if (std::holds_alternative<Failures Config::*>(d.field)) {
    out << "one or more of http_" << Failures::kLeastHttp << " to http_" << Failures::kMostHttp
        << " and grpc_1 to grpc_" << Failures::kMostGrpc << ", as in http_429 http_404";
  } else if (std::holds_alternative<ProbeSettings Config::*>(d.field)) {
    out << "http, tcp or grpc, and then any of the parameters below";
  } else if (std::holds_alternative<Answers Config::*>(d.field)) {
    out << "a whole number from 0 to " << kMostAnswers;
  } else if (std::holds_alternative<Size Config::*>(d.field)) {
    out << "a size from " << (kLeastResidency >> 20) << "m to " << (kMostResidency >> 30)
        << "g, as 65536k, 64m or 1g";
  } else if (std::holds_alternative<Duration Config::*>(d.field)) {
    print_range(d.min, d.max, out);
  } else {
    out << "a text that is not empty";
  }
}

}  // namespace leastwise
