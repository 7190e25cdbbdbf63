#include "http/variables.h"

#include <cmath>
#include <span>

#include "http/attempt.h"
#include "leastwise/text.h"

namespace leastwise::nginx {
namespace {

void print_seconds(std::int64_t us, Text& out) noexcept {
  if (us < 0) {
    out << '-';
    return;
  }
  std::array<u_char, 32> digits;
  const u_char* end =
      ngx_snprintf(digits.data(), digits.size(), "%L.%06L", us / 1'000'000, us % 1'000'000);
  out << std::string_view(reinterpret_cast<const char*>(digits.data()),
                          static_cast<std::size_t>(end - digits.data()));
}

void print_endpoint(const Try& t, Text& out) noexcept { out << view(t.server); }
void print_reason(const Try& t, Text& out) noexcept { out << name(t.ticket.reason); }
void print_predicted(const Try& t, Text& out) noexcept {
  print_seconds(t.ticket.delay > 0 ? std::lround(t.ticket.delay * 1e6F) : -1, out);
}
void print_first_byte(const Try& t, Text& out) noexcept {
  print_seconds(t.first_byte.count(), out);
}
void print_score(const Try& t, Text& out) noexcept { out << double{t.ticket.score}; }
void print_inflight(const Try& t, Text& out) noexcept { out << t.ticket.in_flight; }

struct Variable {
  std::string_view name;
  void (*print)(const Try& t, Text& out) noexcept;
};
constexpr Variable kVariables[] = {
    {"leastwise_endpoint", print_endpoint},
    {"leastwise_reason", print_reason},
    {"leastwise_predicted_time", print_predicted},
    {"leastwise_first_byte_time", print_first_byte},
    {"leastwise_score", print_score},
    {"leastwise_inflight", print_inflight},
};

void print_tries(const Attempt& attempt, const Variable& variable, Text& out) noexcept {
  if (attempt.last == nullptr) return;
  for (const Try* t = &attempt.first; t != nullptr; t = t->next) {
    if (t != &attempt.first) out << ", ";
    variable.print(*t, out);
  }
}

void print_all(const Attempt& attempt, const Variable& variable, Text& out) noexcept {
  if (attempt.earlier != nullptr) {
    print_all(*attempt.earlier, variable, out);
    out << " : ";
  }
  print_tries(attempt, variable, out);
}

ngx_int_t get_variable(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                       uintptr_t data) noexcept {
  const Variable& variable = kVariables[data];
  const Attempt* attempt = find_attempt(r);
  value->not_found = attempt == nullptr || attempt->last == nullptr;
  if (value->not_found) return NGX_OK;
  Text nothing({});
  print_all(*attempt, variable, nothing);
  auto* memory = static_cast<char*>(ngx_pnalloc(r->pool, nothing.size()));
  if (memory == nullptr) return NGX_ERROR;
  Text text({memory, nothing.size()});
  print_all(*attempt, variable, text);
  value->data = reinterpret_cast<u_char*>(memory);
  value->len = static_cast<unsigned>(text.size()) & 0xfffffff;  // a field of 28 bits
  value->valid = 1;
  value->no_cacheable = 0;
  return NGX_OK;
}

}  // namespace

ngx_int_t add_variables(ngx_conf_t* cf) noexcept {
  for (std::size_t i = 0; i < std::size(kVariables); ++i) {
    ngx_str_t name = to_ngx(kVariables[i].name);
    ngx_http_variable_t* variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (variable == nullptr) return NGX_ERROR;
    variable->get_handler = get_variable;
    variable->data = i;
  }
  return NGX_OK;
}

}  // namespace leastwise::nginx
