// TCP sockets, non-blocking, Nagle off.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_SOCKET_H_
#define LEASTWISE_TESTS_BENCH_COMMON_SOCKET_H_

#include <netdb.h>

#include <cstdint>
#include <memory>
#include <string>

#include "bench/common/fd.h"

namespace leastwise::bench {

struct FreeAddress {
  void operator()(addrinfo* address) const noexcept { freeaddrinfo(address); }
};
using Address = std::unique_ptr<addrinfo, FreeAddress>;

// Throws UsageError that names host and port.
Address resolve(const std::string& host, std::uint16_t port);

// Throws UsageError that names address, port and the reason.
Fd listen_on(const std::string& address, std::uint16_t port);

// None when nobody waits; otherwise invalid with errno set. A system that is out of descriptors
// or memory is an error of this machine, not of the client, and throws std::system_error.
Fd accept_from(int listener);

// Starts to connect; `in_progress` tells whether that goes on. Invalid with errno set on failure.
Fd connect_to(const addrinfo& address, bool& in_progress);

// What is left of a connection attempt: 0 or an errno.
int socket_error(int fd) noexcept;

// Closing the descriptor will send a reset instead of an orderly end.
void reset_on_close(int fd) noexcept;

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_SOCKET_H_
