#include "access_log.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "scenarios/scenario_json.h"

namespace leastwise::sim {
namespace {

constexpr double kMsPerSecond = 1000;
constexpr double kWarmupShare = 0.1;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return std::isfinite(value) && value >= 0 ? std::optional(value) : std::nullopt;
}

struct Line {
  double time, service;
  std::string_view route;
};

// Commas inside of the route are the route's.
std::optional<Line> parse(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  const std::size_t first = line.find(',');
  const std::size_t last = line.rfind(',');
  if (first == std::string_view::npos || first == last) return {};
  const auto time = number(line.substr(0, first));
  const auto service = number(line.substr(last + 1));
  if (!time || !service) return {};
  return Line{*time, *service, line.substr(first + 1, last - first - 1)};
}

}  // namespace

AccessLog read_access_log(std::istream& in) {
  AccessLog log;
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (std::string text; std::getline(in, text);) {
    const auto line = parse(text);
    if (!line) {
      ++log.skipped;
      continue;
    }
    const auto next = static_cast<std::uint32_t>(numbers.size());
    const auto [at, fresh] = numbers.try_emplace(std::string(line->route), next);
    if (fresh) log.routes.push_back(at->first);
    log.entries.push_back({line->time * kMsPerSecond, at->second, line->service * kMsPerSecond});
  }
  // A log is written when requests end.
  std::stable_sort(log.entries.begin(), log.entries.end(),
                   [](const TraceEntry& a, const TraceEntry& b) { return a.at_ms < b.at_ms; });
  if (!log.entries.empty()) {
    const double start = log.entries.front().at_ms;
    for (TraceEntry& e : log.entries) e.at_ms -= start;
  }
  return log;
}

Scenario replay_scenario(const AccessLog& log, const Scenario& base, double speedup) {
  if (log.entries.empty()) throw std::invalid_argument("the log has no line TIME,ROUTE,SERVICE");
  if (!(speedup > 0)) throw std::invalid_argument("the speed-up must be above 0");
  Scenario s = base;
  s.routes.assign(log.routes.size(), {});
  s.route_names = log.routes;
  auto trace = std::make_shared<std::vector<TraceEntry>>(log.entries);
  for (TraceEntry& e : *trace) e.at_ms /= speedup;
  const double span = trace->back().at_ms;
  s.duration_ms = span + s.timeout_ms + 1;
  s.warmup_ms = span * kWarmupShare;
  s.trace = std::move(trace);
  validate(s);
  return s;
}

}  // namespace leastwise::sim
