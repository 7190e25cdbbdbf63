#include "stream/variables.h"

#include "shared/variables.h"
#include "stream/attempt.h"

namespace leastwise::nginx {
namespace {

ngx_int_t get_variable(ngx_stream_session_t* s, ngx_stream_variable_value_t* value,
                       uintptr_t data) noexcept {
  const Variable& variable = variables()[data];
  const Attempt* attempt = find_attempt(s);
  value->not_found = attempt == nullptr || attempt->last == nullptr;
  if (value->not_found) return NGX_OK;
  return write_value(*s->connection->pool, *value,
                     [&](Text& out) noexcept { print_tries(attempt->first, variable, out); });
}

}  // namespace

ngx_int_t add_variables(ngx_conf_t* cf) noexcept {
  for (std::size_t i = 0; i < variables().size(); ++i) {
    ngx_str_t name = to_ngx(variables()[i].name);
    ngx_stream_variable_t* variable =
        ngx_stream_add_variable(cf, &name, NGX_STREAM_VAR_NOCACHEABLE);
    if (variable == nullptr) return NGX_ERROR;
    variable->get_handler = get_variable;
    variable->data = i;
  }
  return NGX_OK;
}

}  // namespace leastwise::nginx
