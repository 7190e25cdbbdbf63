// Which requests of a backend HAProxy sends to a certain server by itself.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_PERSISTENCE_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_PERSISTENCE_H_

#include <string>
#include <vector>

#include "haproxy/haproxy_file.h"

namespace leastwise::agent {

struct Persistence {
  // ACLs in braces, true where a cookie, a stick table or RDP has a server for the request already.
  std::vector<std::string> has_server;
  // The `cookie` line as it has to be, empty when it may stay: HAProxy inserts no cookie for a
  // server that use-server named, as if the client had had one, unless the cookie's age counts.
  std::string cookie_line;
  const HaproxyLine* old_cookie_line = nullptr;  // a line of `backend`

  bool is_any() const noexcept { return !has_server.empty(); }
};

Persistence persistence_of(const HaproxySection& backend);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_PERSISTENCE_H_
