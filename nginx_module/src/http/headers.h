// Headers: of an answer, as nginx keeps them, and its trailers.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_HEADERS_H_
#define LEASTWISE_NGINX_MODULE_HTTP_HEADERS_H_

#include <string_view>

#include "http/ngx.h"

namespace leastwise::nginx {

inline bool is_named(const ngx_table_elt_t& header, std::string_view name) noexcept {
  ngx_str_t wanted = to_ngx(name);
  return header.key.len == wanted.len &&
         ngx_strncasecmp(header.key.data, wanted.data, wanted.len) == 0;
}

// Calls visit(ngx_table_elt_t&) for each.
template <typename Visit>
void for_each_header(const ngx_list_t& headers, Visit visit) noexcept {
  for (const ngx_list_part_t* part = &headers.part; part != nullptr; part = part->next) {
    auto* elements = static_cast<ngx_table_elt_t*>(part->elts);
    for (ngx_uint_t i = 0; i < part->nelts; ++i) visit(elements[i]);
  }
}

// The last of that name, nullptr if there is none.
inline const ngx_table_elt_t* find_header(const ngx_list_t& headers,
                                          std::string_view name) noexcept {
  const ngx_table_elt_t* found = nullptr;
  for_each_header(headers, [&](const ngx_table_elt_t& h) noexcept {
    if (is_named(h, name)) found = &h;
  });
  return found;
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_HEADERS_H_
