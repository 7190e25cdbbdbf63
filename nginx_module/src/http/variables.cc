#include "http/variables.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "http/attempt.h"
#include "shared/variables.h"

namespace leastwise::nginx {
namespace {

void print_ttft(const Try& t, Text& out) noexcept { print_seconds(t.first_token.count(), out); }

void print_predicted_ttft(const Try& t, Text& out) noexcept {
  const float seconds = t.has_prompt ? t.ticket.first_token : 0;
  print_seconds(seconds > 0 ? std::lround(seconds * 1e6F) : -1, out);
}

void print_cached_part(const Try& t, Text& out) noexcept {
  const Ticket& ticket = t.ticket;
  if (!t.has_prompt || ticket.prompt_bytes == 0) {
    out << '-';
    return;
  }
  const double uncached = static_cast<double>(ticket.uncached_bytes) / ticket.prompt_bytes;
  std::array<u_char, 16> digits;
  const u_char* end =
      ngx_snprintf(digits.data(), digits.size(), "%.3f", std::clamp(1 - uncached, 0.0, 1.0));
  out << std::string_view(reinterpret_cast<const char*>(digits.data()),
                          static_cast<std::size_t>(end - digits.data()));
}

// Of requests to model servers.
constexpr Variable kOfPrompts[] = {
    {"leastwise_cached_part", print_cached_part},
    {"leastwise_predicted_ttft", print_predicted_ttft},
    {"leastwise_ttft", print_ttft},
};

std::size_t count_variables() noexcept { return variables().size() + std::size(kOfPrompts); }
const Variable& variable_at(std::size_t i) noexcept {
  return i < variables().size() ? variables()[i] : kOfPrompts[i - variables().size()];
}

void print_all(const Attempt& attempt, const Variable& variable, Text& out) noexcept {
  if (attempt.earlier != nullptr) {
    print_all(*attempt.earlier, variable, out);
    out << " : ";
  }
  if (attempt.last != nullptr) print_tries(attempt.first, variable, out);
}

ngx_int_t get_variable(ngx_http_request_t* r, ngx_http_variable_value_t* value,
                       uintptr_t data) noexcept {
  const Variable& variable = variable_at(data);
  const Attempt* attempt = find_attempt(r);
  value->not_found = attempt == nullptr || attempt->last == nullptr;
  if (value->not_found) return NGX_OK;
  return write_value(*r->pool, *value,
                     [&](Text& out) noexcept { print_all(*attempt, variable, out); });
}

}  // namespace

ngx_int_t add_variables(ngx_conf_t* cf) noexcept {
  for (std::size_t i = 0; i < count_variables(); ++i) {
    ngx_str_t name = to_ngx(variable_at(i).name);
    ngx_http_variable_t* variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
    if (variable == nullptr) return NGX_ERROR;
    variable->get_handler = get_variable;
    variable->data = i;
  }
  return NGX_OK;
}

}  // namespace leastwise::nginx
