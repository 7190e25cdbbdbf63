// What a backend of `mode weights` needs in haproxy.cfg: nothing of its own, and a stats socket of
// level admin, by which weights are told.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_WEIGHTS_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_WEIGHTS_H_

#include <string>
#include <vector>

#include "haproxy/haproxy_file.h"
#include "haproxy/stats_socket.h"

namespace leastwise::agent {

// Lines for `global`, empty when it has what is needed.
std::vector<std::string> socket_lines(const StatsSocket& socket, bool needs_admin);

// What keeps weights from having an effect, or a good one, in comments. No line is needed.
std::vector<std::string> weights_notes(const HaproxySection& backend);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_WEIGHTS_H_
