#include "haproxy/haproxy_version.h"

#include <charconv>

namespace leastwise::agent {

HaproxyVersion parse_haproxy_version(std::string_view text) noexcept {
  const std::size_t at = text.find_first_of("0123456789");
  if (at == text.npos) return {};
  HaproxyVersion version;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data() + at, end, version.major);
  if (error != std::errc{} || dot == end || *dot != '.') return {};
  if (std::from_chars(dot + 1, end, version.minor).ec != std::errc{}) return {};
  return version;
}

}  // namespace leastwise::agent
