// The HAProxy of this machine: where its configuration is, and which version it is. For the command
// line only.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_RUNNING_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_RUNNING_H_

#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "haproxy/haproxy_version.h"

namespace leastwise::agent {

// What was given to `-f` of the process behind that socket, which is where its runtime API is;
// empty when that can not be told.
std::vector<std::string> files_of_running_haproxy(const Address& haproxy_socket);

// Of the program `haproxy` on this machine; 0.0 if there is none.
HaproxyVersion installed_haproxy_version();

// Throws std::runtime_error, which says what to do instead.
std::string read_haproxy_file(const std::string& path);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_RUNNING_H_
