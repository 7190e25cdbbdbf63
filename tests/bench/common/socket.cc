#include "bench/common/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

constexpr int kBacklog = 4096;

void set_option(int fd, int level, int option) noexcept {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

Fd open_socket(const addrinfo& address) {
  return Fd(socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

}  // namespace

Address resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int result = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result != 0) {
    throw UsageError("can not resolve " + host + ":" + std::to_string(port) + ": " +
                     gai_strerror(result));
  }
  return Address(found);
}

Fd listen_on(const std::string& address, std::uint16_t port) {
  const Address where = resolve(address, port);
  Fd fd = open_socket(*where);
  if (fd.is_open()) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR);
  if (!fd.is_open() || bind(fd.get(), where->ai_addr, where->ai_addrlen) != 0 ||
      listen(fd.get(), kBacklog) != 0) {
    throw UsageError("can not listen on " + address + ":" + std::to_string(port) + ": " +
                     std::generic_category().message(errno));
  }
  return fd;
}

Fd accept_from(int listener) {
  Fd fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.is_open()) {
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    throw std::system_error(errno, std::generic_category(), "accept");
  }
  return fd;
}

Fd connect_to(const addrinfo& address, bool& in_progress) {
  Fd fd = open_socket(address);
  if (!fd.is_open()) return fd;
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  in_progress = connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0;
  if (in_progress && errno != EINPROGRESS) {
    const int reason = errno;
    fd.close();
    errno = reason;
  }
  return fd;
}

int socket_error(int fd) noexcept {
  int error = 0;
  socklen_t size = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

void reset_on_close(int fd) noexcept {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace leastwise::bench
