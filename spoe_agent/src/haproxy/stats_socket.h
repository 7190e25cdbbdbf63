// The `stats socket` of a haproxy.cfg: where the agent learns its servers, and tells weights.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_STATS_SOCKET_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_STATS_SOCKET_H_

#include <span>
#include <string>
#include <string_view>

#include "haproxy/haproxy_file.h"

namespace leastwise::agent {

struct StatsSocket {
  std::string address;                // as `haproxy_socket` takes it: /PATH or IP:PORT
  const HaproxyLine* line = nullptr;  // nullptr: there is none that the agent could use

  bool is_admin() const noexcept;  // HAProxy's default is operator
  std::string admin_line() const;  // REQUIRES: line. The same with `level admin`
};

// Its address as `haproxy_socket` takes it: unix@/PATH is /PATH, *:PORT is 127.0.0.1:PORT. Empty
// for one that the agent can not reach, such as abns@ or ${VARIABLE}.
std::string stats_socket_address(std::string_view word);

// Of the lines of `global` the one at `wanted`, which is what the agent's file says, or else, where
// that is empty, the best: of level admin, or the first.
StatsSocket stats_socket(std::span<const HaproxyLine> global, std::string_view wanted);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_STATS_SOCKET_H_
