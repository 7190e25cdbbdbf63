// Status: the content handler behind `leastwise_status`.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_STATUS_H_
#define LEASTWISE_NGINX_MODULE_HTTP_STATUS_H_

#include "http/ngx.h"
#include "shared/page.h"

namespace leastwise::nginx {

struct LocationConf {
  StatusFormat status = StatusFormat::kNone;
};

// Setter of `leastwise_status [html | json | prometheus]`.
char* set_status(ngx_conf_t* cf, ngx_command_t* command, void* location_conf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_STATUS_H_
