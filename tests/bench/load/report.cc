#include "bench/load/report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "bench/load/summary.h"

namespace leastwise::bench {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::pair<const char*, double>, 6> kPercentiles{{
    {"p50_ms", 0.5},
    {"p90_ms", 0.9},
    {"p95_ms", 0.95},
    {"p99_ms", 0.99},
    {"p999_ms", 0.999},
    {"max_ms", 1},
}};

constexpr std::array<std::pair<Outcome, const char*>, 6> kErrorNames{{
    {Outcome::kRefused, "refused"},
    {Outcome::kReset, "reset"},
    {Outcome::kClosed, "closed"},
    {Outcome::kTruncated, "truncated"},
    {Outcome::kGarbage, "garbage"},
    {Outcome::kNoSocket, "no_socket"},
}};

ordered_json errors_json(const Summary& summary) {
  ordered_json errors = ordered_json::object();
  for (const auto& [outcome, name] : kErrorNames) {
    const auto found = summary.errors.find(outcome);
    if (found != summary.errors.end()) errors[name] = found->second;
  }
  return errors;
}

ordered_json summary_json(const Summary& summary, const RunResult& result, Duration span) {
  ordered_json json{{"requests", summary.requests},
                    {"rate", static_cast<double>(summary.requests) / to_seconds(span)},
                    {"failed", summary.failed()},
                    {"connection_errors", summary.connection_errors},
                    {"timeouts", summary.timeouts},
                    {"status_5xx", summary.status_5xx},
                    {"aborted", summary.aborted},
                    {"mean_ms", summary.mean_ms}};
  for (const auto& [name, share] : kPercentiles) {
    json[name] = to_ms(percentile(summary.sorted, share));
  }
  json["first_mean_ms"] = summary.first_mean_ms;
  json["first_p50_ms"] = to_ms(percentile(summary.sorted_first, 0.5));
  json["first_p99_ms"] = to_ms(percentile(summary.sorted_first, 0.99));
  json["errors"] = errors_json(summary);
  json["statuses"] = ordered_json::object();
  for (const auto& [status, count] : summary.statuses) {
    json["statuses"][std::to_string(status)] = count;
  }
  json["servers"] = ordered_json::object();
  for (const auto& [server, count] : summary.servers) {
    json["servers"][result.server_names[server]] = count;
  }
  return json;
}

ordered_json between(const RunResult& result, Duration from, Duration to) {
  const Summary summary = summarise(
      result.samples, [&](const Sample& sample) { return sample.at >= from && sample.at < to; });
  return summary_json(summary, result, to - from);
}

ordered_json slices_json(const Options& options, const RunResult& result) {
  ordered_json slices = ordered_json::array();
  for (Duration from{}; from < result.span; from += options.slice) {
    ordered_json slice{{"from", to_seconds(from)}};
    slice.update(between(result, from, std::min(from + options.slice, result.span)));
    slices.push_back(std::move(slice));
  }
  return slices;
}

// What the totals are made of: everything after the warm-up.
Summary totals(const Options& options, const RunResult& result) {
  return summarise(result.samples,
                   [&](const Sample& sample) { return sample.at >= options.warm_up; });
}

Summary totals_of_path(const Options& options, const RunResult& result, std::size_t path) {
  return summarise(result.samples, [&](const Sample& sample) {
    return sample.at >= options.warm_up && sample.path == path;
  });
}

Duration measured_span(const Options& options, const RunResult& result) {
  return std::max(result.span - options.warm_up, Duration(1));
}

ordered_json lag_json(const Options& options, const RunResult& result) {
  return {{"p50_ms", to_ms(percentile(result.lags, 0.5))},
          {"p99_ms", to_ms(percentile(result.lags, 0.99))},
          {"max_ms", to_ms(percentile(result.lags, 1))},
          {"limit_ms", to_ms(options.max_lag)},
          {"is_too_late", is_too_late(options, result)}};
}

}  // namespace

bool is_too_late(const Options& options, const RunResult& result) noexcept {
  return percentile(result.lags, 0.99) > options.max_lag;
}

ordered_json report_json(const Options& options, const RunResult& result) {
  const bool is_closed = options.closed_connections != 0;
  ordered_json json{{"mode", is_closed ? "closed" : "open"},
                    {"seed", options.plan.seed},
                    {"seconds", to_seconds(result.span)},
                    {"scheduled", result.scheduled},
                    {"connections_opened", result.counters.connections},
                    {"retries", result.counters.retries},
                    {"most_active", result.counters.most_active},
                    {"most_waiting", result.counters.most_waiting},
                    {"cpu_seconds", to_seconds(result.cpu)},
                    {"lag", lag_json(options, result)}};
  const Duration span = measured_span(options, result);
  json["all"] = summary_json(totals(options, result), result, span);
  json["paths"] = ordered_json::object();
  for (std::size_t path = 0; path < options.mix.paths().size(); ++path) {
    json["paths"][options.mix.paths()[path]] =
        summary_json(totals_of_path(options, result, path), result, span);
  }
  json["windows"] = ordered_json::object();
  for (const Window& window : options.windows) {
    json["windows"][window.name] = between(result, window.from, window.to);
  }
  if (options.slice > Duration::zero()) json["slices"] = slices_json(options, result);
  return json;
}

namespace {

std::string row(std::string_view name, const Summary& summary, Duration span) {
  const auto ms = [&](double share) { return to_ms(percentile(summary.sorted, share)); };
  std::array<char, 256> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%-24.*s %9llu %9.1f %7llu %9.2f %9.2f %9.2f %9.2f %9.2f\n",
      static_cast<int>(std::min<std::size_t>(name.size(), 24)), name.data(),
      static_cast<unsigned long long>(summary.requests),  // NOLINT(google-runtime-int): printf
      static_cast<double>(summary.requests) / to_seconds(span),
      static_cast<unsigned long long>(summary.failed()),  // NOLINT(google-runtime-int): printf
      summary.mean_ms, ms(0.5), ms(0.99), ms(0.999), ms(1));
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string report_table(const Options& options, const RunResult& result) {
  const Duration span = measured_span(options, result);
  std::string table =
      "                          requests       per s  failed   mean ms       p50       p99     "
      "p99.9       max\n";
  const Summary all = totals(options, result);
  table += row("all", all, span);
  for (std::size_t path = 0; path < options.mix.paths().size(); ++path) {
    table += row(options.mix.paths()[path], totals_of_path(options, result, path), span);
  }
  for (const Window& window : options.windows) {
    const Summary summary = summarise(result.samples, [&](const Sample& sample) {
      return sample.at >= window.from && sample.at < window.to;
    });
    table += row(window.name, summary, window.to - window.from);
  }
  table += "failed: " + std::to_string(all.connection_errors) + " connection errors, " +
           std::to_string(all.timeouts) + " timeouts, " + std::to_string(all.status_5xx) +
           " of status 5xx; aborted by us: " + std::to_string(all.aborted) + "\n";
  table += "servers: " + std::to_string(all.servers.size()) +
           "; connections opened: " + std::to_string(result.counters.connections) +
           "; retries: " + std::to_string(result.counters.retries) + "\n";
  table += "our own lateness: p99 " + std::to_string(to_ms(percentile(result.lags, 0.99))) +
           " ms, max " + std::to_string(to_ms(percentile(result.lags, 1))) + " ms\n";
  return table;
}

}  // namespace leastwise::bench
