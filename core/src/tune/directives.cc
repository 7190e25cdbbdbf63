#include <algorithm>

#include "leastwise/config.h"
#include "tune/help.h"

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
    {.name = "prompt_memory",
     .field = &Config::prompt_memory,
     .scope = Scope::kBoth,
     .syntax = "SIZE",
     .standard = "16m",
     .help =
         "How much memory policy `inference` has to know which server has which prompts cached: "
         "64 bytes for each beginning of a prompt, of which a prompt has up to 24. When it is "
         "full, what was sent longest ago is forgotten. How much is needed: inference.md. The "
         "other policies ignore it, and take no memory for it. In nginx a zone of "
         "`leastwise_zone` has to be larger by as much."},
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

}  // namespace

std::span<const Directive> directives() noexcept { return kDirectives; }

const Directive* find_directive(std::string_view name) noexcept {
  const auto* it = std::ranges::find(kDirectives, name, &Directive::name);
  return it == std::end(kDirectives) ? nullptr : it;
}

}  // namespace leastwise
