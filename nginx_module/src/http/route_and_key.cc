#include "http/route_and_key.h"

#include "shared/hash.h"

namespace leastwise::nginx {
namespace {

// Empty also when it can not be evaluated.
std::string_view value_of(ngx_http_request_t* r, ngx_http_complex_value_t* expression) noexcept {
  ngx_str_t value;
  return ngx_http_complex_value(r, expression, &value) == NGX_OK ? view(value) : std::string_view();
}

}  // namespace

void set_route(Attempt& attempt) noexcept {
  ngx_http_request_t* r = attempt.request;
  if (attempt.conf->route == nullptr) {
    attempt.default_route.fold(view(r->method_name), view(r->uri));
    attempt.route = attempt.default_route.hash();
    attempt.route_name = attempt.default_route.name();
    return;
  }
  const std::string_view value = value_of(r, attempt.conf->route);
  attempt.route = value.empty() ? 0 : hash_of(value, 0);
  attempt.route_name = {.own = value, .family = {}};
}

std::uint64_t key_of(ngx_http_request_t* r, const UpstreamConf& conf) noexcept {
  if (!conf.config.uses_key()) return 0;
  if (conf.key == nullptr) return hash_of(view(r->connection->addr_text), kKeySalt);
  const std::string_view value = value_of(r, conf.key);
  return value.empty() ? 0 : hash_of(value, 0);
}

}  // namespace leastwise::nginx
