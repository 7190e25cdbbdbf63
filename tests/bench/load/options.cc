#include "bench/load/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "bench/common/text.h"
#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

constexpr double kLongestSeconds = 1e6;
constexpr double kHighestRate = 1e7;

// As typed: numbers and texts that CLI11 has bounded, not yet our types.
struct Raw {
  double rate = 100;
  double seconds = 5;
  double timeout = 10;
  double abort_after_ms = 5;
  double warm_up = 0;
  double slice = 0;
  double max_lag_ms = 5;
  std::string phases;
  std::string mix;
  std::string path = "/";
  std::vector<std::string> bursts;
  std::vector<std::string> windows;
  bool has_no_keepalive = false;
};

void add_target(CLI::App& app, Options& options, Raw& raw) {
  ClientOptions& client = options.client;
  app.add_option("--host,--url-host", client.host, "target address (127.0.0.1)");
  app.add_option("--port,--url-port", client.port, "target port")->required();
  app.add_option("--mix", raw.mix, "paths and weights: /fast:80,/slow:20");
  app.add_option("--path", raw.path, "one path, instead of --mix");
  app.add_option("--header", client.headers, "header line \"Name: value\", repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--max-connections", client.max_connections, "at once; further requests wait")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--timeout", raw.timeout, "seconds from the intended start (10)")
      ->check(CLI::Range(0.001, kLongestSeconds));
  app.add_flag("--http10", client.is_http10, "HTTP/1.0, one connection per request");
  app.add_flag("--no-keepalive", raw.has_no_keepalive, "HTTP/1.1, one connection per request");
  app.add_option("--abort-share", options.abort_share, "share of requests that we abandon")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--abort-after", raw.abort_after_ms, "milliseconds until we abandon them (5)")
      ->check(CLI::Range(0.0, kLongestSeconds));
}

void add_schedule(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("--rate", raw.rate, "requests per second (100)")
      ->check(CLI::Range(0.0, kHighestRate));
  app.add_option("--phases", raw.phases, "rates by time: 0:100,5:400");
  app.add_option("--burst", raw.bursts, "SECONDS:COUNT requests at once, repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--constant", options.plan.is_steady, "even gaps instead of a Poisson process");
  app.add_option("--seed", options.plan.seed, "of arrivals, paths, demands and aborts (1)");
  app.add_option("--seconds", raw.seconds, "how long (5)")
      ->check(CLI::Range(0.001, kLongestSeconds));
  app.add_option("--connections", options.closed_connections,
                 "closed loop: as many requests are always under way")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--requests", options.request_limit, "closed loop: stop after as many");
}

void add_output(CLI::App& app, Options& options, Raw& raw) {
  app.add_option("--warm-up", raw.warm_up, "leave the first seconds out of the totals")
      ->check(CLI::Range(0.0, kLongestSeconds));
  app.add_option("--slice", raw.slice, "report slices of as many seconds")
      ->check(CLI::Range(0.001, kLongestSeconds));
  app.add_option("--window", raw.windows, "NAME:FROM:TO in seconds, repeatable")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--max-lag", raw.max_lag_ms, "exit 3 if p99 of our own lateness exceeds it (5 ms)")
      ->check(CLI::Range(0.0, kLongestSeconds));
  app.add_flag("--json", options.prints_json, "JSON instead of a table");
}

// What means nothing together is refused rather than ignored.
void check_combinations(const CLI::App& app) {
  const auto given = [&](const char* name) { return app.count(name) != 0; };
  if (given("--mix") && given("--path")) {
    throw refused("--path", "with --mix", "one of them");
  }
  for (const char* name : {"--rate", "--phases", "--burst", "--constant"}) {
    if (given("--connections") && given(name)) {
      throw refused(name, "with --connections", "only without it: a closed loop has no rate");
    }
  }
  if (given("--requests") && !given("--connections")) {
    throw refused("--requests", "without --connections", "only in a closed loop");
  }
  if (given("--requests") && given("--seconds")) {
    throw refused("--requests", "with --seconds", "one of them");
  }
  if (given("--rate") && given("--phases")) {
    throw refused("--rate", "with --phases", "one of them");
  }
}

void convert(const Raw& raw, Options& options) {
  ArrivalPlan& plan = options.plan;
  plan.end = from_seconds(raw.seconds);
  plan.phases = raw.phases.empty() ? std::vector<Phase>{{Duration::zero(), raw.rate}}
                                   : parse_phases(raw.phases);
  for (const std::string& text : raw.bursts) plan.bursts.push_back(parse_burst(text));
  std::stable_sort(plan.bursts.begin(), plan.bursts.end(),
                   [](const Burst& a, const Burst& b) { return a.at < b.at; });
  for (const std::string& text : raw.windows) options.windows.push_back(parse_window(text));
  if (!raw.path.starts_with('/')) throw refused("--path", "\"" + raw.path + "\"", "/...");
  options.mix = raw.mix.empty() ? Mix::of_one(raw.path) : Mix::parse(raw.mix);
  for (const std::string& header : options.client.headers) {
    if (header.find(':') == std::string::npos ||
        header.find_first_of("\r\n") != std::string::npos) {
      throw refused("--header", "\"" + header + "\"", "one line \"Name: value\"");
    }
  }
  options.client.timeout = from_seconds(raw.timeout);
  options.client.abort_after = from_ms(raw.abort_after_ms);
  options.client.keeps_alive = !raw.has_no_keepalive && !options.client.is_http10;
  options.warm_up = from_seconds(raw.warm_up);
  options.slice = from_seconds(raw.slice);
  options.max_lag = from_ms(raw.max_lag_ms);
}

std::optional<double> seconds_in(std::string_view text) {
  return number_in<double>(text, 0, kLongestSeconds);
}

}  // namespace

std::optional<Options> parse_options(int argc, const char* const* argv) {
  Options options;
  Raw raw;
  CLI::App app("Drives an HTTP server and measures it without coordinated omission",
               "leastwise-load");
  add_target(app, options, raw);
  add_schedule(app, options, raw);
  add_output(app, options, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  check_combinations(app);
  convert(raw, options);
  return options;
}

std::vector<Phase> parse_phases(std::string_view text) {
  std::vector<Phase> phases;
  for (const std::string_view part : split(text, ',')) {
    const auto fields = split(part, ':');
    const auto from = fields.size() == 2 ? seconds_in(fields[0]) : std::nullopt;
    const auto rate =
        fields.size() == 2 ? number_in<double>(fields[1], 0, kHighestRate) : std::nullopt;
    const bool is_first = phases.empty();
    const bool is_in_order =
        from && (is_first ? *from == 0 : from_seconds(*from) > phases.back().from);
    if (!rate || !is_in_order) {
      throw refused("--phases", "\"" + std::string(part) + "\"",
                    "SECONDS:RATE,... in order of time, the first at 0");
    }
    phases.push_back({from_seconds(*from), *rate});
  }
  return phases;
}

Burst parse_burst(std::string_view text) {
  const auto fields = split(text, ':');
  const auto at = fields.size() == 2 ? seconds_in(fields[0]) : std::nullopt;
  const auto count =
      fields.size() == 2 ? number_in<std::uint32_t>(fields[1], 1, 1'000'000) : std::nullopt;
  if (!at || !count) {
    throw refused("--burst", "\"" + std::string(text) + "\"", "SECONDS:COUNT such as 2:500");
  }
  return {from_seconds(*at), *count};
}

Window parse_window(std::string_view text) {
  const auto fields = split(text, ':');
  const auto from = fields.size() == 3 ? seconds_in(fields[1]) : std::nullopt;
  const auto to = fields.size() == 3 ? seconds_in(fields[2]) : std::nullopt;
  if (!from || !to || *from >= *to || fields[0].empty()) {
    throw refused("--window", "\"" + std::string(text) + "\"", "NAME:FROM:TO such as calm:0:5");
  }
  return {std::string(fields[0]), from_seconds(*from), from_seconds(*to)};
}

}  // namespace leastwise::bench
