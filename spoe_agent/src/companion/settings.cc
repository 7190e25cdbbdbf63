// What may stand in the companion's file, and what the manual says of it.
#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "companion/file.h"

namespace leastwise::companion {
namespace {

bool is_absolute(const std::string& path) { return path.size() > 1 && path.front() == '/'; }

bool read_level(const std::string& value, CompanionConfig& config) {
  constexpr std::string_view kNames[] = {"debug", "info", "warning", "error"};
  const auto* found = std::ranges::find(kNames, value);
  if (found == std::end(kNames)) return false;
  config.log_level = static_cast<agent::LogLevel>(found - std::begin(kNames));
  return true;
}

// A label's value, as Kubernetes has it.
bool is_zone(std::string_view text) {
  constexpr std::string_view kOthers = "-_.";
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != kOthers.npos;
  });
}

bool read_zone(const std::string& value, CompanionConfig& config) {
  const bool is_variable = value.starts_with('$');
  if (!is_variable) {
    config.zone = value;
    return is_zone(value);
  }
  const char* const found = std::getenv(value.c_str() + 1);
  config.zone = found == nullptr ? "" : found;
  return value.size() > 1 && (config.zone.empty() || is_zone(config.zone));
}

constexpr CompanionSetting kSettings[] = {
    {"nginx_socket", "/PATH", "expected the absolute path of a unix socket",
     "The unix socket on which nginx has `leastwise_control` in a `location /`. Required by "
     "`upstream`, `stream` and `share`.",
     [](const std::string& v, CompanionConfig& c) {
       c.nginx_socket = v;
       return is_absolute(v);
     }},
    {"haproxy_socket", "/PATH | IP:PORT",
     "expected the absolute path of a stats socket, or IP:PORT",
     "HAProxy's runtime API: a `stats socket` of level admin. Required by `backend`.",
     [](const std::string& v, CompanionConfig& c) {
       return agent::parse_address(is_absolute(v) ? "unix:" + v : v, true,
                                   c.haproxy_socket.emplace());
     }},
    {"kubeconfig", "/PATH", "expected an absolute path",
     "How the API server is found and whom it knows us as, as kubectl has it: the current context, "
     "with a token or a client certificate. Default: as a pod has it, by its ServiceAccount.",
     [](const std::string& v, CompanionConfig& c) {
       c.kubeconfig = v;
       return is_absolute(v);
     }},
    {"zone", "NAME | $VARIABLE",
     "expected the name of a zone, of letters, digits, \"-\", \"_\", \".\", or \"$\" and the name "
     "of a variable of the environment",
     "The zone that the proxy is in. Endpoints of Kubernetes that are in another one, by their "
     "EndpointSlices' `zone` or `hints`, are told to nginx as `remote`: what `leastwise_locality` "
     "does by addresses. A variable that is not set or empty: no zone is known.",
     read_zone},
    {"agent_control", "IP:PORT", "expected IP:PORT, such as 127.0.0.1:9878",
     "The `status` port of a leastwise-spoa beside HAProxy, which is told of `zone` in its place. "
     "Needs `agent_token_file`. Its backends have the same names, in `mode pick`.",
     [](const std::string& v, CompanionConfig& c) {
       agent::Address address;
       c.agent.address = v;
       return agent::parse_address(v, false, address);
     }},
    {"agent_token_file", "/PATH", "expected an absolute path",
     "The agent's `control_token_file`; read each time.",
     [](const std::string& v, CompanionConfig& c) {
       c.agent.token_file = v;
       return is_absolute(v);
     }},
    {"status", "IP:PORT", "expected IP:PORT, such as 127.0.0.1:9879",
     "Where `/metrics` has figures of the companion itself for Prometheus, and `/healthz` is 200 "
     "when "
     "each source answers and each proxy has what it should. For reading alone. Default: none.",
     [](const std::string& v, CompanionConfig& c) {
       return agent::parse_address(v, false, c.status.emplace());
     }},
    {"share", "redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/PREFIX]", agent::kAcceptedRedisUrl,
     "A Redis or Valkey by which nginx and other balancers of the same servers tell each other "
     "what "
     "they have in flight: docs/sharing.md. Of all upstreams that have `leastwise`. An agent of "
     "HAProxy has a `share` of its own. Default: they do not.",
     [](const std::string& v, CompanionConfig& c) {
       return agent::parse_redis_url(v, c.share.emplace());
     }},
    {"share_count", "on | off", "expected on or off",
     "With `on`, `adaptive` does not send the fastest servers more than is good for all balancers "
     "together, as soon as it hears (`share`) that there are more than four: docs/sharing.md. "
     "Default: off.",
     [](const std::string& v, CompanionConfig& c) {
       c.share_count = v == "on";
       return v == "on" || v == "off";
     }},
    {agent::kShareTlsCa.name, "/PATH", agent::kAcceptedTlsFile, agent::kShareTlsCa.help,
     [](const std::string& v, CompanionConfig& c) {
       return agent::read_tls_file(v, c.share_tls.ca);
     }},
    {agent::kShareTlsCert.name, "/PATH", agent::kAcceptedTlsFile, agent::kShareTlsCert.help,
     [](const std::string& v, CompanionConfig& c) {
       return agent::read_tls_file(v, c.share_tls.certificate);
     }},
    {agent::kShareTlsKey.name, "/PATH", agent::kAcceptedTlsFile, agent::kShareTlsKey.help,
     [](const std::string& v, CompanionConfig& c) {
       return agent::read_tls_file(v, c.share_tls.key);
     }},
    {"log_level", "debug | info | warning | error", "expected debug, info, warning or error",
     "Which lines are written to standard error. Default: info. `debug` has a line for each "
     "server.",
     read_level},
};

constexpr KindWords kKinds[] = {
    {Kind::kUpstream, "upstream",
     "An upstream of nginx's `http`, by its name. It has `leastwise_slots` for as many servers as "
     "there may be."},
    {Kind::kStream, "stream", "The same of nginx's `stream`."},
    {Kind::kBackend, "backend",
     "A backend of HAProxy, by its name. Its configuration has slots for as many servers as there "
     "may be: `server-template app 64 127.0.0.1:1 check disabled`. Servers that are not `disabled` "
     "there are left as they are."},
};

constexpr SourceWords kSources[] = {
    {"kubernetes", "[NAMESPACE/]SERVICE[:PORT] [family=auto | ipv4 | ipv6 | both]",
     "The endpoints of a Service, by its EndpointSlices. Without NAMESPACE: that of the pod, or of "
     "the kubeconfig. PORT is the name that the Service gives it, or the number of the pod's; "
     "without it the Service has one port. `family`: of a Service that has both, which address of "
     "each pod is used; `auto`: IPv4 if a ready one has it, or else IPv6. Ready endpoints take "
     "requests, those that terminate and still serve drain, all others leave."},
    {"dns", "NAME:PORT | NAME srv [family=auto | ipv4 | ipv6 | both] [resolver=IP[:PORT],...]",
     "The addresses of a name in the DNS, asked for again when the shortest TTL is over (1s to "
     "5m). `srv`: the hosts and ports of its SRV records; those of the lowest priority are "
     "servers, by their weights, all others their backups. `resolver`: whom to ask; default: as "
     "`/etc/resolv.conf` says. The name is whole: no search list is tried. The DNS takes nobody "
     "out by an error, nor by a name that does not exist."},
};

}  // namespace

std::span<const CompanionSetting> companion_settings() noexcept { return kSettings; }
std::span<const KindWords> pool_kinds() noexcept { return kKinds; }
std::span<const SourceWords> source_words() noexcept { return kSources; }

}  // namespace leastwise::companion
