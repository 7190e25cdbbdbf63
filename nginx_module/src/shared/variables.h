// Variables: what was decided and measured for each try, for logs and headers.
//
//   $leastwise_endpoint         server
//   $leastwise_reason           why this one
//   $leastwise_predicted_time   expected, seconds; - before anything was learned
//   $leastwise_first_byte_time  taken, seconds; - when no answer began
//   $leastwise_score            in the policy's own unit
//   $leastwise_inflight         requests that the server had before this one
//
// As with $upstream_addr, several tries are separated by commas.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_VARIABLES_H_
#define LEASTWISE_NGINX_MODULE_SHARED_VARIABLES_H_

#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/text.h"
#include "shared/try.h"

namespace leastwise::nginx {

struct Variable {
  std::string_view name;
  void (*print)(const Try& t, Text& out) noexcept;
};
std::span<const Variable> variables() noexcept;

// Seconds, to the microsecond; "-" for fewer than none.
void print_seconds(std::int64_t us, Text& out) noexcept;

// Of `first` and all that follow it.
void print_tries(const Try& first, const Variable& variable, Text& out) noexcept;

// Fills nginx's value with what print(out) writes, in memory of that pool. It is called twice:
// to measure, and to write.
template <typename Print>
ngx_int_t write_value(ngx_pool_t& pool, ngx_variable_value_t& value, Print print) noexcept {
  Text nothing({});
  print(nothing);
  auto* memory = static_cast<char*>(ngx_pnalloc(&pool, nothing.size()));
  if (memory == nullptr) return NGX_ERROR;
  Text text({memory, nothing.size()});
  print(text);
  value.data = reinterpret_cast<u_char*>(memory);
  value.len = static_cast<unsigned>(text.size()) & 0xfffffff;  // a field of 28 bits
  value.valid = 1;
  value.no_cacheable = 0;
  return NGX_OK;
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_VARIABLES_H_
