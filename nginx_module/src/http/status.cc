#include "http/status.h"

#include <new>
#include <span>

#include "leastwise/status_page.h"
#include "leastwise/text.h"
#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

constexpr std::size_t kPartSize = 2 * StatusPage::kLeastRoom;

std::span<const NamedPool> pools_of(ngx_http_request_t* r) noexcept {
  std::size_t n = 0;
  for_each_upstream(*ngx_cycle, [&n](Upstream&) noexcept { ++n; });
  auto* pools = static_cast<NamedPool*>(ngx_palloc(r->pool, n * sizeof(NamedPool) + 1));
  if (pools == nullptr) return {};
  std::size_t i = 0;
  for_each_upstream(*ngx_cycle, [&](Upstream& upstream) noexcept {
    new (&pools[i++]) NamedPool{view(upstream.name), &upstream.config, upstream.pool};
  });
  return {pools, n};
}

PageFormat format_of(StatusFormat format) noexcept {
  return format == StatusFormat::kPrometheus ? PageFormat::kPrometheus : PageFormat::kJson;
}

// The page as a chain of buffers; nullptr when memory ran out.
ngx_chain_t* render_page(ngx_http_request_t* r, StatusFormat format, off_t& length) noexcept {
  const auto pools = pools_of(r);
  const std::size_t n = StatusPage::peers_of(pools);
  auto* peers = static_cast<PeerView*>(ngx_palloc(r->pool, n * sizeof(PeerView) + 1));
  if (peers == nullptr) return nullptr;
  for (std::size_t i = 0; i < n; ++i) new (&peers[i]) PeerView;
  StatusPage page(format_of(format), "nginx", pools, {peers, n}, now());
  ngx_chain_t* first = nullptr;
  ngx_chain_t** next = &first;
  length = 0;
  for (bool more = true; more;) {
    ngx_buf_t* b = ngx_create_temp_buf(r->pool, kPartSize);
    ngx_chain_t* link = ngx_alloc_chain_link(r->pool);
    if (b == nullptr || link == nullptr) return nullptr;
    Text text({reinterpret_cast<char*>(b->pos), kPartSize});
    more = page.render(text);
    b->last = b->pos + text.size();
    b->last_buf = !more && r == r->main;
    b->last_in_chain = !more;
    length += static_cast<off_t>(text.size());
    *link = {b, nullptr};
    *next = link;
    next = &link->next;
  }
  return first;
}

ngx_int_t add_header(ngx_http_request_t* r, std::string_view name,
                     std::string_view value) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header == nullptr) return NGX_ERROR;
  *header = ngx_table_elt_t{};
  header->hash = 1;
  header->key = to_ngx(name);
  header->value = to_ngx(value);
  return NGX_OK;
}

ngx_int_t send_header(ngx_http_request_t* r, StatusFormat format, off_t length) noexcept {
  r->headers_out.status = NGX_HTTP_OK;
  r->headers_out.content_length_n = length;
  r->headers_out.content_type =
      to_ngx(format == StatusFormat::kPrometheus ? "text/plain; version=0.0.4; charset=utf-8"
                                                 : "application/json");
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  if (add_header(r, "Cache-Control", "no-store") != NGX_OK ||
      add_header(r, "X-Content-Type-Options", "nosniff") != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  return ngx_http_send_header(r);
}

ngx_int_t handle(ngx_http_request_t* r) noexcept {
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) return NGX_HTTP_NOT_ALLOWED;
  if (const ngx_int_t rc = ngx_http_discard_request_body(r); rc != NGX_OK) return rc;
  const auto& location =
      *static_cast<const LocationConf*>(ngx_http_get_module_loc_conf(r, ngx_http_leastwise_module));
  off_t length = 0;
  ngx_chain_t* page = render_page(r, location.status, length);
  if (page == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  const ngx_int_t rc = send_header(r, location.status, length);
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) return rc;
  return ngx_http_output_filter(r, page);
}

}  // namespace

char* set_status(ngx_conf_t* cf, ngx_command_t*, void* location_conf) noexcept {
  auto& location = *static_cast<LocationConf*>(location_conf);
  if (location.status != StatusFormat::kNone) return conf_duplicate();
  const auto* words = static_cast<const ngx_str_t*>(cf->args->elts);
  const std::string_view format = cf->args->nelts > 1 ? view(words[1]) : "json";
  if (format == "json") {
    location.status = StatusFormat::kJson;
  } else if (format == "prometheus") {
    location.status = StatusFormat::kPrometheus;
  } else {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid value \"%V\": expected json or prometheus", &words[0],
                       &words[1]);
    return conf_error();
  }
  auto* core = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  core->handler = handle;
  return NGX_CONF_OK;
}

}  // namespace leastwise::nginx
