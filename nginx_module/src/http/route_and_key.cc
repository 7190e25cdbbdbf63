#include "http/route_and_key.h"

#include "shared/hash.h"

namespace leastwise::nginx {
namespace {

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
