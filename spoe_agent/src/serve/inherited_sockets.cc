#include "serve/inherited_sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>

namespace leastwise::agent {
namespace {

sockaddr_storage bound_to(const Fd& fd) noexcept {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getsockname(fd.get(), static_cast<sockaddr*>(static_cast<void*>(&storage)), &length);
  return storage;
}

template <typename T>
T as(const sockaddr_storage& storage) noexcept {
  T address{};
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

std::string text_of(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (storage.ss_family == AF_UNIX) {
    const auto unix_address = as<sockaddr_un>(storage);
    return "unix:" + std::string(unix_address.sun_path,
                                 ::strnlen(unix_address.sun_path, sizeof unix_address.sun_path));
  }
  if (storage.ss_family == AF_INET) {
    const auto v4 = as<sockaddr_in>(storage);
    ::inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    return std::string(host.data()) + ':' + std::to_string(ntohs(v4.sin_port));
  }
  if (storage.ss_family != AF_INET6) return "a socket of another family";
  const auto v6 = as<sockaddr_in6>(storage);
  ::inet_ntop(AF_INET6, &v6.sin6_addr, host.data(), host.size());
  return '[' + std::string(host.data()) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

// A path may lead there by a link: Symlinks= of a socket unit.
bool is_same_file(const char* a, const char* b) noexcept {
  struct stat of_a {
  }, of_b{};
  return ::stat(a, &of_a) == 0 && ::stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

bool is_at(const sockaddr_storage& bound, const Address& address) noexcept {
  if (bound.ss_family != address.storage.ss_family) return false;
  if (bound.ss_family == AF_UNIX) {
    const auto path = as<sockaddr_un>(bound);
    return address.path == path.sun_path || is_same_file(path.sun_path, address.path.c_str());
  }
  if (bound.ss_family == AF_INET) {
    const auto a = as<sockaddr_in>(bound), b = as<sockaddr_in>(address.storage);
    return a.sin_port == b.sin_port && a.sin_addr.s_addr == b.sin_addr.s_addr;
  }
  const auto a = as<sockaddr_in6>(bound), b = as<sockaddr_in6>(address.storage);
  return a.sin6_port == b.sin6_port &&
         std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof a.sin6_addr) == 0;
}

// As ours are; whoever passes it may have left it as it was.
void make_ours(const Fd& fd) noexcept {
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  ::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
}

}  // namespace

InheritedSockets::InheritedSockets() {
  char** names = nullptr;
  const int n = ::sd_listen_fds_with_names(1, &names);
  if (n < 0) {
    throw std::runtime_error(std::string("LISTEN_FDS, LISTEN_PID or LISTEN_FDNAMES: ") +
                             std::strerror(-n));
  }
  for (int i = 0; i < n; ++i) {
    const std::unique_ptr<char, decltype(&std::free)> name(names[i], &std::free);
    sockets_.push_back({Fd(SD_LISTEN_FDS_START + i), name.get()});
  }
  std::free(static_cast<void*>(names));
}

Fd InheritedSockets::take_listener(std::string_view directive, const Address& address) {
  return take(directive, address, SOCK_STREAM);
}

Fd InheritedSockets::take_receiver(std::string_view directive, const Address& address) {
  return take(directive, address, SOCK_DGRAM);
}

Fd InheritedSockets::take(std::string_view directive, const Address& address, int type) {
  const auto is_kind = [&](const Socket& s) {
    return ::sd_is_socket(s.fd.get(), AF_UNSPEC, type, type == SOCK_STREAM ? 1 : -1) > 0;
  };
  auto found = std::ranges::find(sockets_, directive, &Socket::name);
  const bool is_named = found != sockets_.end();
  if (!is_named) {
    found = std::ranges::find_if(
        sockets_, [&](const Socket& s) { return is_kind(s) && is_at(bound_to(s.fd), address); });
  }
  if (found == sockets_.end()) return {};
  const std::string what = std::string(directive) + " \"" + address.text + "\": ";
  if (!is_kind(*found)) {
    throw std::runtime_error(what + "the socket that is passed in LISTEN_FDS under this name is " +
                             (type == SOCK_STREAM ? "no listening stream" : "not for datagrams"));
  }
  if (const sockaddr_storage bound = bound_to(found->fd); !is_at(bound, address)) {
    throw std::runtime_error(what + "the socket that is passed in LISTEN_FDS under this name is " +
                             text_of(bound) + "; both have to say the same");
  }
  Fd fd = std::move(found->fd);
  sockets_.erase(found);
  make_ours(fd);
  return fd;
}

void InheritedSockets::expect_none() const {
  if (sockets_.empty()) return;
  const Socket& left = sockets_.front();
  throw std::runtime_error("LISTEN_FDS: the socket " + text_of(bound_to(left.fd)) + " (name \"" +
                           left.name +
                           "\") is passed, but no directive has its address: expected that of "
                           "listen, feedback, status or agent_check");
}

}  // namespace leastwise::agent
