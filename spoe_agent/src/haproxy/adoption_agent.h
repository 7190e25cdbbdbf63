// Where HAProxy asks the agent: the same place in leastwise.conf and in haproxy.cfg.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_AGENT_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_AGENT_H_

#include <span>
#include <string>
#include <string_view>

#include "haproxy/haproxy_file.h"
#include "haproxy/haproxy_version.h"

namespace leastwise::agent {

struct MeetingPlace {
  std::string listen;  // for leastwise.conf
  std::string server;  // for `server` in haproxy.cfg
};

// `listen` is what the agent's file has, empty if nothing. Within a chroot HAProxy finds no socket
// that is not below that folder: then it is a port.
MeetingPlace meeting_place(std::string_view listen, std::span<const HaproxyLine> global);

// The backend that leads there, with defaults of its own.
std::string agent_backend(const MeetingPlace& place, HaproxyVersion version);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTION_AGENT_H_
