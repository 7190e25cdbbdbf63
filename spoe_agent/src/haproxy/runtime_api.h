// What HAProxy's runtime API says of the servers of some backends.
//
// Two requests: first who answers and the states, by the backends' names, then the figures, by the
// numbers that came with the states. Only of the backends asked for: HAProxy may have thousands of
// servers that are not ours. A name would do for the figures, too, but means a frontend if there is
// one of the same name. `level user` of the stats socket is enough for all of it.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/endpoint.h"

namespace leastwise::agent {

// What a server did, as `show stat` has it: totals since HAProxy started, and the state now.
struct ServerFigures {
  std::uint64_t sessions = 0;  // stot
  std::uint64_t failures = 0;  // hrsp_5xx, econ and eresp
  std::uint64_t refusals = 0;  // of those, econ: nobody answered at all
  std::uint32_t current = 0, queued = 0;
  // Milliseconds, the moving average of its last 512 requests: connect, and to the answer's head.
  // Of TCP both are the former: how long sessions last is up to clients.
  std::uint32_t connect = 0, answer = 0;
};

struct ServerInfo {
  std::string name;
  std::string address;  // IP:PORT, or the path of a unix socket
  EndpointSettings settings;
  bool backup = false;
  std::uint32_t weight = 1;          // as it is now, 0…256; settings have it at least 1, and
                                     // less while it is throttled (slowstart)
  std::uint32_t initial_weight = 1;  // as configured
  bool has_agent_check = false;      // which may set its weight
  bool asks_us = false;              // that check, and is answered with a weight
  bool is_slot = false;              // the configuration has it "disabled": room for another
  bool in_maintenance = false;       // taken out by someone, not by a health check
  bool is_drained = false;           // by someone, not by its weight
  ServerFigures figures{};
};

struct BackendInfo {
  std::string name;
  std::uint32_t number = 0;  // HAProxy's, as long as it runs with one configuration
  bool is_http = true;
  std::vector<ServerInfo> servers;  // in the order of HAProxy's configuration, backups last
};

struct ProcessInfo {
  std::uint32_t pid = 0;
  std::string version;
  bool is_stopping = false;  // another one has taken over, or will
};

std::string states_request(std::span<const std::string> names);

// Takes the first answer, to who it is, off the front of that to states_request(). False, and
// nothing changed, when it is not that.
bool parse_process(std::string_view& text, ProcessInfo& out);

// Reads the answer about `asked` backends; those that HAProxy does not have, or that have no
// servers, are left out.
//   kDown      maintenance of any kind, or a health check found it down
//   kDraining  drain, weight 0, or about to stop: HAProxy gives it no new request by itself, but
//              would if it were named by use-server
// False, and `out` unchanged, when it is not such an answer: garbage, an error message, cut short,
// or of a format other than 1. Columns are found by name, so that those of a later version may
// come in between.
bool parse_states(std::string_view text, std::size_t asked, std::vector<BackendInfo>& out);

std::string figures_request(std::span<const BackendInfo> backends);

// Adds limits, backups, modes and figures; puts backups last. While a server of the backend warms
// up (`slowstart`), the weights are those of the moment, all in the same larger unit. False, and
// `backends` unchanged, as above.
bool parse_figures(std::string_view text, std::vector<BackendInfo>& backends);

// What HAProxy had against each of `commands` commands that say nothing when all is well; empty:
// nothing.
std::vector<std::string> refusals_in(std::string_view text, std::size_t commands);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_RUNTIME_API_H_
