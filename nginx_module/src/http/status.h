// Status: the content handler behind `leastwise_status`.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_STATUS_H_
#define LEASTWISE_NGINX_MODULE_HTTP_STATUS_H_

#include <optional>

#include "http/ngx.h"
#include "prompts/prompt_scanner.h"
#include "shared/page.h"

namespace leastwise::nginx {

struct LocationConf {
  StatusFormat status = StatusFormat::kNone;
  ngx_str_t control{};           // where the live page finds `leastwise_control`; empty: nowhere
  std::optional<BodyForm> body;  // of requests to model servers
};

inline const LocationConf& location_conf_of(const ngx_http_request_t& r) noexcept {
  return *static_cast<const LocationConf*>(
      ngx_http_get_module_loc_conf(&r, ngx_http_leastwise_module));
}

ngx_int_t add_header(ngx_http_request_t* r, std::string_view name, std::string_view value) noexcept;

// Sends it part by part, as the client takes it, after its headers; an error for nullptr. The body
// of the request is read or discarded already.
ngx_int_t send_page(ngx_http_request_t* r, StatusFormat format, StatusPage* page) noexcept;

// Setter of `leastwise_status [html [control=PATH] | json | prometheus]`.
char* set_status(ngx_conf_t* cf, ngx_command_t* command, void* location_conf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_STATUS_H_
