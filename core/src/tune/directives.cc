#include <algorithm>
#include <charconv>

#include "leastwise/config.h"
#include "tune/duration.h"
#include "tune/help.h"
#include "tune/number.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr Directive kDirectives[] = {
    {.name = "policy",
     .field = &Config::policy,
     .scope = Scope::kBoth,
     .syntax = "POLICY",
     .standard = "adaptive",
     .help = "Selects the balancing method. In nginx it is the argument of `leastwise` itself."},
    {.name = "decay",
     .field = &Config::decay,
     .scope = Scope::kBoth,
     .min = 100ms,
     .max = 1h,
     .syntax = "TIME",
     .standard = "8s",
     .help =
         "The time constant of the speed estimate: a measured answer loses 63 % of its influence "
         "in this time. A shorter time follows changes faster, a longer one is steadier."},
    {.name = "demand",
     .field = &Config::demand,
     .scope = Scope::kBoth,
     .syntax = "static | speed | report",
     .standard = "static",
     .help =
         "What policy `weighted` distributes requests by: the configured weight (`static`), the "
         "weight times the learned speed (`speed`), or the weight times the throughput per "
         "utilisation that load reports imply (`report`, which implies `report on`). A "
         "server's share is its demand divided by the sum of all demands."},
    {.name = "sample",
     .field = &Config::sample,
     .scope = Scope::kBoth,
     .syntax = "auto | first_byte | full",
     .standard = "auto",
     .help =
         "Which part of an answer counts as the server's own time. `auto`: the full answer where "
         "the proxy buffers it, and the time to the first byte where the client determines the "
         "length (event streams, upgraded connections, unbuffered bodies). An upgraded "
         "connection is always measured up to its first byte. Event streams and upgraded "
         "connections count towards `max_conns` until they end, and as queue where other "
         "requests wait for them. In nginx's `stream` module `auto` and `first_byte` are the "
         "same: the time to connect, and then the time to the server's first byte, counted from "
         "the connection or from the client's first data if that is later."},
    {.name = "outlier",
     .field = &Config::outlier,
     .scope = Scope::kBoth,
     .syntax = "on | off",
     .standard = "off",
     .help =
         "Takes servers out for a while that do far worse than the median of the pool: 5 "
         "failures in a row, a failure rate 0.3 above the median, or 4 times its response time. "
         "Policy `adaptive` reacts to failures and slowness by itself; the other policies do "
         "not."},
    {.name = "outlier_time",
     .field = &Config::outlier_time,
     .scope = Scope::kBoth,
     .min = 1s,
     .max = 5min,
     .syntax = "TIME",
     .standard = "10s",
     .help = "How long an outlier stays out the first time. Each relapse doubles the time, up to 5 "
             "minutes. The server returns as one of which nothing is known."},
    {.name = "outlier_max",
     .field = &Config::outlier_max,
     .scope = Scope::kBoth,
     .syntax = "PERCENT",
     .standard = "30%",
     .help = "The largest share of the servers that may be out at the same time. One server may "
             "always be taken out, but never the last one. When no other server and no backup is "
             "available, outliers are used."},
    {.name = "slow_start",
     .field = &Config::slow_start,
     .scope = Scope::kBoth,
     .min = 0s,
     .max = 15min,
     .syntax = "TIME",
     .standard = "0s",
     .help =
         "A server that joins a running pool, or recovers, starts at 10 % of its weight and "
         "reaches 100 % after TIME. With 0s it has its full weight at once. Use it for servers "
         "that start cold: `adaptive` notices that they are slow, but only from their answers."},
    {.name = "report",
     .field = &Config::report,
     .scope = Scope::kBoth,
     .min = {},
     .max = {},
     .syntax = "off | on | METRIC | scrape URI [PARAMETER …] [METRIC …]",
     .standard = "off",
     .help = kReportHelp,
     .agent_syntax = "off | on | METRIC"},
    {.name = "failure",
     .field = &Config::failure,
     .scope = Scope::kBoth,
     .syntax = "http_NNN | grpc_N …",
     .standard = "none beside those that always are",
     .help =
         "Declares further answers as failures, in addition to HTTP 500 to 599 and `grpc-status` "
         "1, 2, 4, 8, 13 and 14; for example `http_429 http_404`, or `grpc_12`. A failure raises "
         "the server's failure rate, which `adaptive` and `outlier` use, and is no sample of its "
         "speed. Whether it counts towards `max_fails` is decided by `proxy_next_upstream`. "
         "HAProxy sees a `grpc-status` in headers only, not in trailers."},
    {.name = "probe",
     .field = &Config::probe,
     .scope = Scope::kNginx,
     .syntax = "http | tcp | grpc [PARAMETER …]",
     .standard = "none: servers are judged by the answers to requests alone",
     .help = kProbeHelp},
    {.name = "locality",
     .field = &Config::locality,
     .scope = Scope::kBoth,
     .syntax = "CIDR[,CIDR…]",
     .standard = "all servers are near",
     .help =
         "Networks of the servers that are near: in the same zone, or in your own data centre of "
         "a hybrid cloud. Policy `adaptive` sends a request to a distant server only when that "
         "is worth `locality_price`, so traffic moves over gradually as the near servers fill "
         "up. The other policies ignore it. `remote` of control says it of a server at run time."},
    {.name = "locality_price",
     .field = &Config::locality_price,
     .scope = Scope::kBoth,
     .syntax = "NUMBER",
     .standard = "5",
     .help =
         "How much sooner a server outside `locality` must be expected to answer, in multiples "
         "of the mean work of a request, before it is chosen. With 0 distance is only learned."},
    {.name = "switchback",
     .field = &Config::switchback,
     .scope = Scope::kBoth,
     .syntax = "on | off",
     .standard = "off",
     .help = "A guard for policy `adaptive`: in one second of ten, chosen at random, `least_conn` "
             "balances, and the mean response times are compared; a failure counts as ten. When "
             "`adaptive` is worse by more than 5 % and by three standard errors, which takes at "
             "least 50 seconds, `least_conn` takes over for a minute, and for twice as long each "
             "time this happens again. It costs a tenth of what `adaptive` gains."},
    {.name = "observe",
     .field = &Config::observe,
     .scope = Scope::kNginx,
     .syntax = "on | off",
     .standard = "off",
     .help = "Shadow mode: the upstream keeps nginx's method (`least_conn`, `hash`, or none for "
             "round robin), without `leastwise`. nginx's decisions do not change. Leastwise learns "
             "from each answer and records which server `adaptive` would have chosen; the status "
             "shows how often that differs, and the mean and p99 expected of both. It may stand "
             "anywhere in the upstream. See trying.md."},
    {.name = "affinity",
     .field = &Config::affinity,
     .scope = Scope::kBoth,
     .syntax = "NUMBER",
     .standard = "0",
     .help =
         "Policy `adaptive` keeps the requests of one `key` on one server, as `hash` does, until "
         "another is expected to answer sooner by this many times the mean work of a request. "
         "Use it for servers that benefit from it: caches, sessions, prompts. With 0 keys are "
         "ignored."},
    {.name = "route",
     .field = &Config::route,
     .scope = Scope::kNginx,
     .syntax = "EXPRESSION",
     .standard = "method and path, with what looks like an id folded: see routes.md",
     .help =
         "An expression that separates cheap requests from expensive ones; it may contain nginx "
         "variables. Requests with the same value are expected to cost the same. Each value is a "
         "route; a pool has 256. In nginx's `stream` module there is one route unless this is "
         "set: `$ssl_preread_server_name` is a candidate. In HAProxy it is the argument `route` "
         "of the SPOE message, which takes precedence over its arguments `method` and `path`."},
    {.name = "key",
     .field = &Config::key,
     .scope = Scope::kNginx,
     .syntax = "EXPRESSION",
     .standard = "the client's address",
     .help =
         "What policy `hash`, or `affinity`, keeps together: requests with the same value go to "
         "the same server. It may contain nginx variables. In HAProxy it is the argument `key` "
         "of the SPOE message, for example `key=src`."},
    {.name = "lua",
     .field = &Config::lua,
     .scope = Scope::kBoth,
     .syntax = "FILE",
     .standard = "none",
     .help = "A script that chooses in place of the policy, or defines the route or the key of a "
             "request: see lua.md. A relative path is relative to the configuration file. When the "
             "script fails or takes too long, `adaptive` chooses."},
};

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

std::span<const Directive> directives() noexcept { return kDirectives; }

bool takes_several(const Directive& d, std::string_view first) noexcept {
  return std::holds_alternative<Failures Config::*>(d.field) ||
         std::holds_alternative<ProbeSettings Config::*>(d.field) ||
         (std::holds_alternative<ReportMetric Config::*>(d.field) && first == kScrapeWord);
}

const Directive* find_directive(std::string_view name) noexcept {
  const auto* it = std::ranges::find(kDirectives, name, &Directive::name);
  return it == std::end(kDirectives) ? nullptr : it;
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
  } else if (std::holds_alternative<Duration Config::*>(d.field)) {
    print_range(d.min, d.max, out);
  } else {
    out << "a text that is not empty";
  }
}

}  // namespace leastwise
