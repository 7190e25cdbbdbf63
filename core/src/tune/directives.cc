#include <algorithm>
#include <charconv>

#include "leastwise/config.h"
#include "tune/duration.h"
#include "tune/number.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kProbeHelp =
    "Asks each server now and then whether it is well, apart from requests; one that is not gets "
    "none until it is. `http`: a request that has to be answered; `tcp`: a connection; `grpc`: "
    "`grpc.health.v1.Health/Check`. Parameters of all: `interval=2s`, less `jitter=10%` at random; "
    "`timeout=1s`, no longer than the interval; `fails=3` in a row take it out, `passes=2` bring "
    "it back; `port=` if it is not the server's own; `tls`, without a look at the certificate, and "
    "`sni=NAME`; `mandatory`: a server is not used before it has passed, also when all fail. Of "
    "`http`: `uri=/`, `method=GET`, `host=` (the upstream's name), `status=200-399` or a list as "
    "`200,301-308`, `body=TEXT` that the answer has to contain. Of `grpc`: `host=`, `service=`. At "
    "most 64 KiB of an answer are read. A server that comes back does so by `slow_start`. When "
    "more than half of the servers fail all are used, unless a backup is well. `tcp` "
    "does not see a process that hangs. See operations.md.";

constexpr std::string_view kReportHelp =
    "Whether the load that servers report is listened to: with their answers, in the header "
    "`endpoint-load-metrics` of ORCA, as TEXT, JSON or BIN. METRIC says which figure counts; `on`: "
    "application_utilization, or else cpu_utilization. A report makes a server up to twice as expensive "
    "and never cheaper than it was measured to be. nginx takes the header off the answer; HAProxy "
    "sends it with the log line. Not in nginx's `stream`. `scrape` (nginx only, `stream` as well): "
    "each server is asked for it now and then, apart from requests, and answers with Prometheus' "
    "text or JSON, of which 64 KiB at most are read; the header is not looked at then. Parameters "
    "as those of `probe`: `interval=1s` (100ms to 15s), `jitter=10%`, `timeout=1s`, `port=`, "
    "`host=`, `tls`, `sni=`. `preset=node_exporter`: CPU and memory of the machine, at port 9100 "
    "unless `port=` says another; `preset=vllm`, `sglang` or `llamacpp`: requests that wait and "
    "run, and how full the KV cache is. METRIC is "
    "`[FIGURE=][1-][rate:|max:]NAME[{LABEL=VALUE,…}][/NUMBER | /NAME…]`, in quotes when it has "
    "braces; FIGURE is `load` (if nothing is said), `cpu`, `memory`, `waiting` or `running`; of "
    "several terms the largest counts. `load`, or else `cpu`, is how full the server is, 1 = full. "
    "Samples of one NAME are added up, with `max:` the largest is taken; `rate:` is what a counter "
    "grows by in a second. Of JSON, NAME is `a.b.0`. See operations.md.";

constexpr Directive kDirectives[] = {
    {.name = "policy",
     .field = &Config::policy,
     .scope = Scope::kBoth,
     .syntax = "POLICY",
     .standard = "adaptive",
     .help = "How the next server is chosen. In nginx it is the argument of `leastwise` itself."},
    {.name = "decay",
     .field = &Config::decay,
     .scope = Scope::kBoth,
     .min = 100ms,
     .max = 1h,
     .syntax = "TIME",
     .standard = "8s",
     .help = "Time in which a measured answer loses 63 % of its weight in a server's speed. "
             "Shorter follows changes faster, longer is steadier."},
    {.name = "demand",
     .field = &Config::demand,
     .scope = Scope::kBoth,
     .syntax = "static | speed | report",
     .standard = "static",
     .help = "What policy `weighted` shares requests out by: the configured weight, that times "
             "the learned speed, or that times the throughput per utilisation that follows from "
             "load reports (`report`, which means `report on` as well). A server's share is its "
             "demand by the sum of all."},
    {.name = "sample",
     .field = &Config::sample,
     .scope = Scope::kBoth,
     .syntax = "auto | first_byte | full",
     .standard = "auto",
     .help =
         "Which part of an answer is the server's own time. `auto`: the full answer where "
         "the proxy buffers it, up to the first byte where its length belongs to the client "
         "(event streams, upgraded connections, unbuffered bodies). An upgraded connection is "
         "measured up to its first byte whatever is set: what goes on in it is no answer. "
         "Event streams and upgraded connections count for `max_conns` until they end, and as "
         "queue where others wait for them. In nginx's `stream` `auto` and `first_byte` are one: "
         "to connect, and from then, or from the first that the client says, to the server's "
         "first byte."},
    {.name = "outlier",
     .field = &Config::outlier,
     .scope = Scope::kBoth,
     .syntax = "on | off",
     .standard = "off",
     .help = "Leaves servers out for a while that do far worse than the median of the pool: 5 "
             "failures in a row, a share of failures 0.3 higher, or 4 times as slow. `adaptive` "
             "sees failures and slowness by itself; the other policies do not."},
    {.name = "outlier_time",
     .field = &Config::outlier_time,
     .scope = Scope::kBoth,
     .min = 1s,
     .max = 5min,
     .syntax = "TIME",
     .standard = "10s",
     .help =
         "For how long an outlier is left out, the first time; twice as long with each relapse, "
         "5 minutes at most. It comes back as a server of which nothing is known."},
    {.name = "outlier_max",
     .field = &Config::outlier_max,
     .scope = Scope::kBoth,
     .syntax = "PERCENT",
     .standard = "30%",
     .help = "Which part of the servers may be left out at once. One may always be, but never the "
             "last. When no other server and no backup can be picked, those left out are."},
    {.name = "slow_start",
     .field = &Config::slow_start,
     .scope = Scope::kBoth,
     .min = 0s,
     .max = 15min,
     .syntax = "TIME",
     .standard = "0s",
     .help = "In which time a server that joins a pool at work, or comes back, gets its whole "
             "weight, from a tenth of it on. 0s: at once. For servers that start cold; `adaptive` "
             "sees by itself that they are slow, but only from their answers."},
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
         "Answers that say the server failed, beside HTTP 500 to 599 and, by `grpc-status`, 1, 2, "
         "4, 8, 13 and 14: `http_429 http_404` for instance, or `grpc_12`. A failure raises the "
         "server's share of failures, for `adaptive` and `outlier`, and gives no speed. Whether "
         "it counts for `max_fails` is up to nginx: see `proxy_next_upstream`. HAProxy sees a "
         "`grpc-status` in the header only, not in trailers. Not in nginx's `stream`."},
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
     .help = "Networks of the servers that are near: in the same zone, or in the own machine room "
             "of a hybrid cloud. Policy `adaptive` sends a request to a server elsewhere when that "
             "is worth `locality_price`; there is no switch that flips when the near ones fill "
             "up. The other policies do not look at it."},
    {.name = "locality_price",
     .field = &Config::locality_price,
     .scope = Scope::kBoth,
     .syntax = "NUMBER",
     .standard = "5",
     .help = "By how many times the mean work of a request a server outside `locality` must be "
             "expected to answer sooner to be picked. 0: not at all, distance is learned only."},
    {.name = "switchback",
     .field = &Config::switchback,
     .scope = Scope::kBoth,
     .syntax = "on | off",
     .standard = "off",
     .help = "A guard for policy `adaptive`: in one second of ten, drawn at random, `least_conn` "
             "chooses, and the mean answer times are compared; a failure counts as ten. When "
             "`adaptive` is worse by more than 5 % and by three standard errors, which takes 50 "
             "seconds at least, `least_conn` has the pool for a minute, and twice as long each "
             "time that this is found again. It costs a tenth of what `adaptive` gains."},
    {.name = "observe",
     .field = &Config::observe,
     .scope = Scope::kNginx,
     .syntax = "on | off",
     .standard = "off",
     .help = "Shadow mode: the upstream keeps nginx's method (`least_conn`, `hash`, or none for "
             "round robin), and has no `leastwise`. Nothing of what nginx does is changed. "
             "Leastwise learns from each answer and notes which server `adaptive` would have "
             "picked; the status says how often that is another one, and what mean and p99 it "
             "expects of either choice. May stand anywhere in the upstream. See trying.md."},
    {.name = "affinity",
     .field = &Config::affinity,
     .scope = Scope::kBoth,
     .syntax = "NUMBER",
     .standard = "0",
     .help = "Policy `adaptive` sends requests of one `key` to one server, as `hash` does, until "
             "another is expected to answer sooner by so many times the mean work of a request. "
             "For servers that remember: caches, sessions, prompts. 0: it does not look at keys."},
    {.name = "route",
     .field = &Config::route,
     .scope = Scope::kNginx,
     .syntax = "EXPRESSION",
     .standard = "method and path, with what looks like an id folded: see routes.md",
     .help = "What tells cheap requests from expensive ones; nginx variables may be used. Requests "
             "with the same value are expected to cost the same, and each value is one route, of "
             "256. In nginx's `stream` sessions are not told apart without it: "
             "`$ssl_preread_server_name` may serve. In HAProxy it is the argument `route` of the "
             "SPOE message, which goes before "
             "its arguments `method` and `path`."},
    {.name = "key",
     .field = &Config::key,
     .scope = Scope::kNginx,
     .syntax = "EXPRESSION",
     .standard = "the client's address",
     .help = "What policy `hash`, or `affinity`, keeps together: requests with the same value go "
             "to the same "
             "server; nginx variables may be used. In HAProxy it is the argument `key` of the "
             "SPOE message, for instance `key=src`."},
    {.name = "lua",
     .field = &Config::lua,
     .scope = Scope::kBoth,
     .syntax = "FILE",
     .standard = "none",
     .help = "A script that chooses in the policy's place, or says what the route or the key of a "
             "request is: see lua.md. A relative path is beside the configuration. Where it fails "
             "or takes too long, `adaptive` chooses."},
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

Status read(std::string_view text, const Directive& d, bool& out) noexcept {
  return read_word(text, d, kSwitch, out);
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
