// What HAProxy's runtime API says of its servers.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_

#include <string>
#include <string_view>
#include <vector>

#include "leastwise/endpoint.h"

namespace leastwise::agent {

struct ServerInfo {
  std::string name;
  std::string address;  // IP:PORT, or the path of a unix socket
  EndpointSettings settings;
  bool backup = false;
};

struct BackendInfo {
  std::string name;
  bool is_http = true;
  std::vector<ServerInfo> servers;  // in the order of HAProxy's configuration, backups last
};

// One connection, one request: HAProxy closes it after the answer.
inline constexpr std::string_view kRuntimeRequest = "show servers state; show stat -1 4 -1\n";

// Reads the answer to kRuntimeRequest. States come from the first table, limits from the second:
//   kDown      maintenance of any kind, or a health check found it down
//   kDraining  drain, weight 0, or about to stop: HAProxy gives it no new request by itself, but
//              would if it were named by use-server
// False, and `out` unchanged, when it is not such an answer: garbage, an error message, cut short,
// or of a format other than 1. Columns are found by name, so that those of a later version may
// come in between.
bool parse_runtime_reply(std::string_view text, std::vector<BackendInfo>& out);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_
