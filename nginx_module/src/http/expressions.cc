#include "http/expressions.h"

#include <algorithm>

namespace leastwise::nginx {
namespace {

constexpr std::uint32_t kKeySalt = 0x6b6579;  // "key"

// nginx's hash has 32 bits: enough, the core tells a few hundred routes apart. The salt
// goes in the upper half.
std::uint64_t hash_of(std::string_view text, std::uint32_t salt) noexcept {
  ngx_str_t s = to_ngx(text);
  const std::uint64_t hash = ngx_murmur_hash2(s.data, s.len) + salt;
  return std::max<std::uint64_t>(1, (std::uint64_t{salt} << 32) | (hash & 0xffffffff));
}

// "/api" of "/api/items/7" and of "/api".
std::string_view first_segment(std::string_view uri) noexcept {
  return uri.substr(0, uri.find('/', 1));
}

std::uint64_t hash_of_value(ngx_http_request_t* r, ngx_http_complex_value_t* expression) noexcept {
  ngx_str_t value;
  if (ngx_http_complex_value(r, expression, &value) != NGX_OK || value.len == 0) return 0;
  return hash_of(view(value), 0);
}

}  // namespace

std::uint64_t route_of(ngx_http_request_t* r, const UpstreamConf& conf) noexcept {
  if (conf.route == nullptr) {
    return hash_of(first_segment(view(r->uri)), static_cast<std::uint32_t>(r->method));
  }
  return hash_of_value(r, conf.route);
}

std::uint64_t key_of(ngx_http_request_t* r, const UpstreamConf& conf) noexcept {
  if (!conf.config.uses_key()) return 0;
  if (conf.key == nullptr) return hash_of(view(r->connection->addr_text), kKeySalt);
  return hash_of_value(r, conf.key);
}

}  // namespace leastwise::nginx
