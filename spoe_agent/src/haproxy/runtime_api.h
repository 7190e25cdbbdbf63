// What HAProxy's runtime API says of the servers of some backends.
//
// Two requests, each on a connection that HAProxy closes after the answer: first the states, by the
// backends' names, then the limits, by the numbers that came with the states. Only of the backends
// asked for: HAProxy may have thousands of servers that are not ours. A name would do for the
// limits, too, but means a frontend if there is one of the same name.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_

#include <cstdint>
#include <span>
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
  std::uint32_t number = 0;  // HAProxy's, as long as it runs with one configuration
  bool is_http = true;
  std::vector<ServerInfo> servers;  // in the order of HAProxy's configuration, backups last
};

std::string states_request(std::span<const std::string> names);

// Reads the answer about `asked` backends; those that HAProxy does not have, or that have no
// servers, are left out.
//   kDown      maintenance of any kind, or a health check found it down
//   kDraining  drain, weight 0, or about to stop: HAProxy gives it no new request by itself, but
//              would if it were named by use-server
// False, and `out` unchanged, when it is not such an answer: garbage, an error message, cut short,
// or of a format other than 1. Columns are found by name, so that those of a later version may
// come in between.
bool parse_states(std::string_view text, std::size_t asked, std::vector<BackendInfo>& out);

std::string limits_request(std::span<const BackendInfo> backends);

// Adds limits, backups and modes; puts backups last. False, and `backends` unchanged, as above.
bool parse_limits(std::string_view text, std::vector<BackendInfo>& backends);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_
