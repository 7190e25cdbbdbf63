#include "config/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstring>

namespace leastwise::agent {
namespace {

bool parse_unix(std::string_view path, Address& out) {
  sockaddr_un address{};
  if (path.size() < 2 || path.front() != '/' || path.size() >= sizeof address.sun_path)
    return false;
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  out.path = path;
  std::memcpy(&out.storage, &address, sizeof address);
  out.length = sizeof address;
  return true;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool parse_ipv4(const std::string& host, std::uint16_t port, Address& out) {
  sockaddr_in address{};
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return false;
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  std::memcpy(&out.storage, &address, sizeof address);
  out.length = sizeof address;
  return true;
}

bool parse_ipv6(const std::string& host, std::uint16_t port, Address& out) {
  sockaddr_in6 address{};
  if (inet_pton(AF_INET6, host.c_str(), &address.sin6_addr) != 1) return false;
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  std::memcpy(&out.storage, &address, sizeof address);
  out.length = sizeof address;
  return true;
}

bool parse_ip(std::string_view text, Address& out) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos || !parse_port(text.substr(colon + 1), out.port)) return false;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  out.host = host;
  return bracketed ? parse_ipv6(out.host, out.port, out) : parse_ipv4(out.host, out.port, out);
}

}  // namespace

bool parse_address(std::string_view text, bool allow_unix, Address& out) {
  constexpr std::string_view kUnix = "unix:";
  Address address;
  address.text = text;
  const bool is_unix = text.starts_with(kUnix);
  if (is_unix ? !allow_unix || !parse_unix(text.substr(kUnix.size()), address)
              : !parse_ip(text, address)) {
    return false;
  }
  out = address;
  return true;
}

}  // namespace leastwise::agent
