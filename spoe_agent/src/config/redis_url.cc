#include "config/redis_url.h"

#include <http_parser.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace leastwise::agent {
namespace {

constexpr std::size_t kMostPrefix = 64;

std::optional<std::string> unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned char byte = 0;
    const char* const hex = text.data() + i + 1;
    if (text.size() - i < 3 || std::from_chars(hex, hex + 2, byte, 16).ptr != hex + 2) return {};
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

bool is_prefix(std::string_view text) {
  return !text.empty() && text.size() <= kMostPrefix && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

bool read_user(std::string_view info, RedisUrl& out) {
  const std::size_t colon = info.find(':');
  if (colon == info.npos || colon + 1 == info.size()) return false;
  const auto user = unescape(info.substr(0, colon));
  const auto password = unescape(info.substr(colon + 1));
  if (!user || !password) return false;
  out.user = *user;
  out.password = *password;
  return true;
}

}  // namespace

bool parse_redis_url(const std::string& text, RedisUrl& out) {
  http_parser_url parsed;
  http_parser_url_init(&parsed);
  if (http_parser_parse_url(text.data(), text.size(), 0, &parsed) != 0) return false;
  const auto part = [&](http_parser_url_fields which) {
    const auto& field = parsed.field_data[which];
    return (parsed.field_set & 1U << which) != 0
               ? std::string_view(text).substr(field.off, field.len)
               : std::string_view();
  };
  RedisUrl url;
  url.is_tls = part(UF_SCHEMA) == "rediss";
  if (!url.is_tls && part(UF_SCHEMA) != "redis") return false;
  url.host = part(UF_HOST);
  if (url.host.empty() || !part(UF_QUERY).empty() || !part(UF_FRAGMENT).empty()) return false;
  if ((parsed.field_set & 1U << UF_PORT) != 0) url.port = parsed.port;
  if (url.port == 0) return false;
  if (const std::string_view info = part(UF_USERINFO); !info.empty() && !read_user(info, url)) {
    return false;
  }
  std::string_view path = part(UF_PATH);
  if (path.size() > 1) {
    path.remove_prefix(1);
    if (!is_prefix(path)) return false;
    url.prefix = path;
  }
  out = std::move(url);
  return true;
}

std::string without_password(std::string_view text) {
  constexpr std::string_view kDots = "...";
  if (text.find("PRIVATE KEY") != text.npos) return "... (a private key)";
  const std::size_t scheme = text.find("://");
  const std::size_t begin = scheme == text.npos ? 0 : scheme + 3;
  const std::size_t at = text.rfind('@');
  std::string out(text.substr(0, begin));
  if (at != text.npos && at >= begin) return (out += kDots) += text.substr(at);
  const std::size_t colon = text.find(':', begin);
  const bool may_be_half = scheme != text.npos && colon != text.npos;
  if (!may_be_half) return std::string(text);
  const std::string_view port = text.substr(colon + 1, text.find('/', colon) - colon - 1);
  const bool is_port = std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  return is_port ? std::string(text) : out += kDots;
}

std::string RedisUrl::shown() const {
  const bool is_ipv6 = host.find(':') != host.npos;
  return (is_tls ? "rediss://" : "redis://") + (is_ipv6 ? '[' + host + ']' : host) + ':' +
         std::to_string(port);
}

}  // namespace leastwise::agent
