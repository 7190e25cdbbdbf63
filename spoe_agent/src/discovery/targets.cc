#include "discovery/targets.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace leastwise::discovery {
namespace {

std::string text_of(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  return ::inet_ntop(family, address, buffer.data(), buffer.size()) == nullptr ? "" : buffer.data();
}

// As it is in a socket's address: what a URL or a log calls it does not count.
std::string canonical(const std::string& ip) {
  in_addr four{};
  if (::inet_pton(AF_INET, ip.c_str(), &four) == 1) return text_of(AF_INET, &four);
  in6_addr six{};
  if (::inet_pton(AF_INET6, ip.c_str(), &six) != 1) return {};
  if (IN6_IS_ADDR_V4MAPPED(&six)) {
    std::memcpy(&four, &six.s6_addr[12], sizeof(four));
    return text_of(AF_INET, &four);
  }
  return '[' + text_of(AF_INET6, &six) + ']';
}

}  // namespace

std::string address_of(std::string_view ip, std::uint16_t port) {
  if (ip.size() >= INET6_ADDRSTRLEN || port == 0) return {};
  const std::string host = canonical(std::string(ip));
  return host.empty() ? host : host + ':' + std::to_string(port);
}

std::string summary_of(const Targets& targets) {
  const auto draining = std::ranges::count_if(
      targets, [](const auto& t) { return t.second.state == State::kDraining; });
  std::string text =
      std::to_string(targets.size()) + (targets.size() == 1 ? " server" : " servers");
  if (draining > 0) text += ", " + std::to_string(draining) + " of them draining";
  return text;
}

}  // namespace leastwise::discovery
