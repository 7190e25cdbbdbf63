// InheritedSockets: sockets that systemd opened and passes on (LISTEN_FDS, sd_listen_fds(3)), so
// that no connection is refused while the agent is started anew.
//
// A socket is for the directive that it is named after (FileDescriptorName=listen, feedback,
// status or agent_check), or else for the one that has its address. Which port is served is said by
// both sides, and they have to agree: a socket that no directive has is an error, not a port where
// nobody answers.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_INHERITED_SOCKETS_H_
#define LEASTWISE_SPOE_AGENT_SERVE_INHERITED_SOCKETS_H_

#include <string>
#include <string_view>
#include <vector>

#include "config/address.h"
#include "serve/fd.h"

namespace leastwise::agent {

class InheritedSockets {
 public:
  // Takes those that are there, and LISTEN_FDS out of the environment. Throws std::runtime_error
  // when the environment makes no sense.
  InheritedSockets();

  // The one for `directive`, or none. Throws std::runtime_error when it is of another kind or has
  // another address than `address`.
  Fd take_listener(std::string_view directive, const Address& address);
  Fd take_receiver(std::string_view directive, const Address& address);

  // Throws std::runtime_error when one is left.
  void expect_none() const;

 private:
  struct Socket {
    Fd fd;
    std::string name;
  };
  Fd take(std::string_view directive, const Address& address, int type);

  std::vector<Socket> sockets_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_INHERITED_SOCKETS_H_
