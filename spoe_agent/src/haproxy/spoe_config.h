// Writes HAProxy's SPOE configuration for a backend.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_SPOE_CONFIG_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_SPOE_CONFIG_H_

#include <string>

#include "config/address.h"
#include "haproxy/runtime_api.h"

namespace leastwise::agent {

// The file that `filter spoe engine leastwise config FILE` of that backend reads. Each server is
// an argument that says how much HAProxy has in flight there, and in its queue where it has a
// limit. Throws std::runtime_error when the servers are more than a message has arguments for:
// then the agent counts by itself.
std::string spoe_config(const BackendInfo& backend);

// Asks HAProxy's runtime API, at most for three seconds. Throws std::runtime_error when it does
// not answer or has no such backend.
BackendInfo ask_for_backend(const Address& haproxy_socket, const std::string& name);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_SPOE_CONFIG_H_
