#include "serve/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>

namespace leastwise::agent {
namespace {

constexpr int kBacklog = 4096;  // the system may grant less
constexpr int kReceiveBuffer = 8 << 20;

[[noreturn]] void fail(std::string_view what, const Address& address) {
  throw std::runtime_error(with_errno(std::string(what) + " \"" + address.text + '"'));
}

Fd open_socket(const Address& address, int type) noexcept {
  return Fd(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

bool set_option(const Fd& fd, int level, int name, int value) noexcept {
  return setsockopt(fd.get(), level, name, &value, sizeof value) == 0;
}

// Connecting tells the living from the dead: a full backlog (EAGAIN) is a living one, too.
bool is_answered(const Address& address) noexcept {
  const Fd probe = open_socket(address, SOCK_STREAM);
  if (::connect(probe.get(), address.get(), address.length) == 0) return true;
  return errno == EAGAIN || errno == EINPROGRESS;
}

void clear_path(const Address& address, std::string_view directive) {
  struct stat info {};
  if (lstat(address.path.c_str(), &info) != 0) return;
  const std::string what = std::string(directive) + " \"" + address.text + "\": ";
  if (!S_ISSOCK(info.st_mode)) {
    throw std::runtime_error(what + "a file that is no socket is there");
  }
  if (is_answered(address)) throw std::runtime_error(what + "another process listens there");
  ::unlink(address.path.c_str());
}

}  // namespace

std::string with_errno(std::string_view what) {
  const int error = errno;
  return std::string(what) + ": " + std::strerror(error);
}

Fd listen_on(const Address& address, std::string_view directive) {
  if (address.is_unix()) clear_path(address, directive);
  Fd fd = open_socket(address, SOCK_STREAM);
  if (!fd) fail(directive, address);
  // Of TCP this allows to restart while connections of the last run linger, nothing more.
  if (!address.is_unix()) set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  // A file of a socket is for its owner and group, which is HAProxy's or that of the folder.
  const mode_t before = ::umask(0117);
  const int bound = ::bind(fd.get(), address.get(), address.length);
  const int error = errno;
  ::umask(before);
  errno = error;
  if (bound != 0) fail(directive, address);
  if (::listen(fd.get(), kBacklog) != 0) fail(directive, address);
  return fd;
}

void remove_socket_file(const Address& address) noexcept {
  if (address.is_unix()) ::unlink(address.path.c_str());
}

Fd receive_on(const Address& address) {
  Fd fd = open_socket(address, SOCK_DGRAM);
  if (!fd) fail("feedback", address);
  prepare_to_receive(fd);
  if (::bind(fd.get(), address.get(), address.length) != 0) fail("feedback", address);
  return fd;
}

void prepare_to_receive(const Fd& fd) noexcept {
  // FORCE needs a privilege; without it the system's net.core.rmem_max is the limit.
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer)) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  }
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
}

Fd connect_to(const Address& address) noexcept {
  Fd fd = open_socket(address, SOCK_STREAM);
  if (!fd) return fd;
  if (::connect(fd.get(), address.get(), address.length) == 0 || errno == EINPROGRESS) return fd;
  const int error = errno;
  fd.close();
  errno = error;
  return fd;
}

Fd make_event() {
  Fd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) throw std::runtime_error(with_errno("eventfd"));
  return fd;
}

Fd make_epoll() {
  Fd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) throw std::runtime_error(with_errno("epoll_create1"));
  return fd;
}

void signal_event(const Fd& event) noexcept {
  const std::uint64_t one = 1;
  // It fails only when it is readable already.
  [[maybe_unused]] const ssize_t n = ::write(event.get(), &one, sizeof one);
}

void clear_event(const Fd& event) noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = ::read(event.get(), &count, sizeof count);
}

}  // namespace leastwise::agent
