// What may stand in the companion's file, and what the manual says of it.
#include <algorithm>
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

constexpr CompanionSetting kSettings[] = {
    {"nginx_socket", "/PATH", "expected the absolute path of a unix socket",
     "The unix socket on which nginx has `leastwise_control` in a `location /`. Required by "
     "`upstream` and `stream`.",
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
