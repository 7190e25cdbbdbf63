// Page: what http and stream have alike of `leastwise_status [json | prometheus]`.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_PAGE_H_
#define LEASTWISE_NGINX_MODULE_SHARED_PAGE_H_

#include <cstdint>
#include <string_view>

#include "leastwise/status_page.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

enum class StatusFormat : std::uint8_t { kNone, kJson, kPrometheus };

// Reads the directive's argument, or its absence.
char* read_status_format(ngx_conf_t* cf, StatusFormat& out) noexcept;

std::string_view content_type(StatusFormat format) noexcept;

// A page of all pools (neighbour.h), on that memory; nullptr when there is none left.
StatusPage* make_page(ngx_pool_t& memory, StatusFormat format) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_PAGE_H_
