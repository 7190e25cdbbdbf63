// The sockets the agent opens: all non-blocking, all closed on exec.
#ifndef LEASTWISE_SPOE_AGENT_SERVE_SOCKETS_H_
#define LEASTWISE_SPOE_AGENT_SERVE_SOCKETS_H_

#include <string>
#include <string_view>

#include "config/address.h"
#include "serve/fd.h"

namespace leastwise::agent {

// Listens for connections. A unix socket left behind by a dead agent is replaced; one that a
// living process answers on is not, nor is a file that is no socket. The port is never shared
// silently (SO_REUSEPORT): a forgotten second agent would take half of the questions.
// Throws std::runtime_error that names the directive, the address and the reason.
Fd listen_on(const Address& address, std::string_view directive = "listen");

// Removes the file of a unix socket of listen_on(); nothing for the network.
void remove_socket_file(const Address& address) noexcept;

// Receives datagrams, with the largest receive buffer that the system grants up to 8 MiB, time
// stamps and a count of what the kernel had to drop. Throws std::runtime_error.
Fd receive_on(const Address& address);
// The same of a socket that is bound already.
void prepare_to_receive(const Fd& fd) noexcept;

// Starts to connect. None, and errno set, when it fails at once.
Fd connect_to(const Address& address) noexcept;

// An eventfd, an epoll. Throw std::runtime_error.
Fd make_event();
Fd make_epoll();
// Makes an eventfd readable. Never blocks.
void signal_event(const Fd& event) noexcept;
void clear_event(const Fd& event) noexcept;

// "WHAT: reason of errno".
std::string with_errno(std::string_view what);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SERVE_SOCKETS_H_
