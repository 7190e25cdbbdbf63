// Page: what http and stream have alike of `leastwise_status [html | json | prometheus]`.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_PAGE_H_
#define LEASTWISE_NGINX_MODULE_SHARED_PAGE_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/live_page.h"
#include "leastwise/status_page.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

enum class StatusFormat : std::uint8_t { kNone, kHtml, kJson, kPrometheus };

// Reads the directive's argument, or its absence.
char* read_status_format(ngx_conf_t* cf, StatusFormat& out) noexcept;

// What is sent where a page of that format is asked for with that query: the live page asks for
// JSON where it was got.
constexpr StatusFormat format_for(StatusFormat set, std::string_view query) noexcept {
  return set == StatusFormat::kHtml && query == kLivePageQuery ? StatusFormat::kJson : set;
}

struct Header {
  std::string_view name, value;
};
// Those of every answer, and of the live page more; those without a name are none.
std::array<Header, 5> headers_of(StatusFormat format) noexcept;

std::string_view content_type(StatusFormat format) noexcept;

// A page of all pools (neighbour.h), on that memory; nullptr when there is none left.
StatusPage* make_page(ngx_pool_t& memory, StatusFormat format) noexcept;
// Of those pools.
StatusPage* make_page(ngx_pool_t& memory, PageFormat format,
                      std::span<const NamedPool> pools) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_PAGE_H_
