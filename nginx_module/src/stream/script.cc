#include "stream/script.h"

#include <array>

#include "shared/script.h"

namespace leastwise::nginx {
namespace {

using lua::What;

bool find_variable(ngx_stream_session_t& s, std::string_view name, ngx_str_t& out) noexcept {
  std::array<u_char, 128> lower;
  if (name.empty() || name.size() > lower.size()) return false;
  const ngx_uint_t key = ngx_hash_strlow(lower.data(), to_ngx(name).data, name.size());
  ngx_str_t wanted{name.size(), lower.data()};
  const ngx_stream_variable_value_t* value = ngx_stream_get_variable(&s, &wanted, key);
  if (value == nullptr || value->not_found != 0) return false;
  out = {value->len, value->data};
  return true;
}

bool text(const void* asked, What what, std::string_view name, std::string_view& out) noexcept {
  // nginx's functions take sessions that they do not change as if they did.
  auto& s = *static_cast<ngx_stream_session_t*>(const_cast<void*>(asked));
  ngx_str_t found{0, nullptr};
  if (what == What::kClient) {
    found = s.connection->addr_text;
  } else if (what != What::kVariable || !find_variable(s, name, found)) {
    return false;
  }
  out = view(found);
  return true;
}

}  // namespace

constinit const lua::RequestSource script_source = {.text = text, .number = nullptr};

void ask_script(Attempt& attempt) noexcept {
  lua::Script& script = *attempt.conf->script;
  if (!script.has(lua::Call::kRoute) && !script.has(lua::Call::kKey)) return;
  ngx_pool_t& memory = *attempt.session->connection->pool;
  script.about(script_source, attempt.session);
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
