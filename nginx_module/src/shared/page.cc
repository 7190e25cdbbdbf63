#include "shared/page.h"

#include <new>

#include "shared/directives.h"
#include "shared/neighbour.h"

namespace leastwise::nginx {

char* read_status_format(ngx_conf_t* cf, StatusFormat& out) noexcept {
  if (out != StatusFormat::kNone) return conf_duplicate();
  const ngx_str_t* words = words_of(cf);
  const std::string_view format = cf->args->nelts > 1 ? view(words[1]) : "json";
  if (format == "json") {
    out = StatusFormat::kJson;
  } else if (format == "html") {
    out = StatusFormat::kHtml;
  } else if (format == "prometheus") {
    out = StatusFormat::kPrometheus;
  } else {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid value \"%V\": expected html, json or prometheus", &words[0],
                       &words[1]);
    return conf_error();
  }
  return NGX_CONF_OK;
}

std::array<Header, 5> headers_of(StatusFormat format) noexcept {
  constexpr Header kFresh = {"Cache-Control", "no-store"};
  constexpr Header kAsSaid = {"X-Content-Type-Options", "nosniff"};
  if (format != StatusFormat::kHtml) return {kFresh, kAsSaid};
  return {{kFresh,
           kAsSaid,
           {"Content-Security-Policy", live_page_policy()},
           {"X-Frame-Options", "DENY"},
           {"Referrer-Policy", "no-referrer"}}};
}

std::string_view content_type(StatusFormat format) noexcept {
  if (format == StatusFormat::kHtml) return kLivePageType;
  return format == StatusFormat::kPrometheus ? "text/plain; version=0.0.4; charset=utf-8"
                                             : "application/json";
}

StatusPage* make_page(ngx_pool_t& memory, StatusFormat format) noexcept {
  return make_page(
      memory, format == StatusFormat::kPrometheus ? PageFormat::kPrometheus : PageFormat::kJson,
      pools_to_show(memory));
}

StatusPage* make_page(ngx_pool_t& memory, PageFormat format,
                      std::span<const NamedPool> pools) noexcept {
  const std::size_t n = StatusPage::peers_of(pools);
  // Not written to here: of a large pool that would take a while.
  auto* peers = static_cast<PeerView*>(ngx_palloc(&memory, n * sizeof(PeerView)));
  void* page = ngx_palloc(&memory, sizeof(StatusPage));
  if (peers == nullptr || page == nullptr) return nullptr;
  return new (page) StatusPage(format, "nginx", pools, {peers, n}, now());
}

}  // namespace leastwise::nginx
