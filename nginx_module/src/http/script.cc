#include "http/script.h"

#include <array>

#include "shared/script.h"

namespace leastwise::nginx {
namespace {

using lua::What;

// nginx's functions take requests that they do not change as if they did.
ngx_http_request_t& request_of(const void* asked) noexcept {
  return *static_cast<ngx_http_request_t*>(const_cast<void*>(asked));
}

bool is_same(const ngx_str_t& a, std::string_view b) noexcept {
  return a.len == b.size() && ngx_strncasecmp(a.data, to_ngx(b).data, b.size()) == 0;
}

bool find_header(const ngx_http_request_t& r, std::string_view name, ngx_str_t& out) noexcept {
  for (const ngx_list_part_t* part = &r.headers_in.headers.part; part != nullptr;
       part = part->next) {
    const auto* headers = static_cast<const ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) {
      if (!is_same(headers[i].key, name)) continue;
      out = headers[i].value;
      return true;
    }
  }
  return false;
}

bool find_cookie(ngx_http_request_t& r, std::string_view name, ngx_str_t& out) noexcept {
  ngx_str_t wanted = to_ngx(name);
#if nginx_version >= 1023000
  return ngx_http_parse_multi_header_lines(&r, r.headers_in.cookie, &wanted, &out) != nullptr;
#else
  return ngx_http_parse_multi_header_lines(&r.headers_in.cookies, &wanted, &out) != NGX_DECLINED;
#endif
}

bool find_variable(ngx_http_request_t& r, std::string_view name, ngx_str_t& out) noexcept {
  std::array<u_char, 128> lower;
  if (name.empty() || name.size() > lower.size()) return false;
  const ngx_uint_t key = ngx_hash_strlow(lower.data(), to_ngx(name).data, name.size());
  ngx_str_t wanted{name.size(), lower.data()};
  const ngx_http_variable_value_t* value = ngx_http_get_variable(&r, &wanted, key);
  if (value == nullptr || value->not_found != 0) return false;
  out = {value->len, value->data};
  return true;
}

bool text(const void* asked, What what, std::string_view name, std::string_view& out) noexcept {
  ngx_http_request_t& r = request_of(asked);
  ngx_str_t found{0, nullptr};
  switch (what) {
    case What::kMethod:
      found = r.method_name;
      break;
    case What::kHost:
      found = r.headers_in.server;
      break;
    case What::kPath:
      found = r.uri;
      break;
    case What::kQuery:
      found = r.args;
      break;
    case What::kClient:
      found = r.connection->addr_text;
      break;
    case What::kHeader:
      if (!find_header(r, name, found)) return false;
      break;
    case What::kCookie:
      if (!find_cookie(r, name, found)) return false;
      break;
    case What::kArgument:
      if (ngx_http_arg(&r, to_ngx(name).data, name.size(), &found) != NGX_OK) return false;
      break;
    case What::kVariable:
      if (!find_variable(r, name, found)) return false;
      break;
    default:
      return false;
  }
  out = view(found);
  return true;
}

bool number(const void* asked, What, double& out) noexcept {
  const off_t length = request_of(asked).headers_in.content_length_n;
  out = static_cast<double>(length);
  return length >= 0;
}

}  // namespace

constinit const lua::RequestSource script_source = {.text = text, .number = number};

void ask_script(Attempt& attempt) noexcept {
  lua::Script& script = *attempt.conf->script;
  if (!script.has(lua::Call::kRoute) && !script.has(lua::Call::kKey)) return;
  ngx_pool_t& memory = *attempt.request->pool;
  script.about(script_source, attempt.request);
  std::string_view route;
  attempt.route = told(script, lua::Call::kRoute, attempt.route, memory, route);
  if (!route.empty()) attempt.route_name = {.own = route, .family = {}};
  std::string_view key;
  if (attempt.conf->config.uses_key()) {
    attempt.key = told(script, lua::Call::kKey, attempt.key, memory, key);
  }
  script.about({}, nullptr);
}

}  // namespace leastwise::nginx
