// Status: the content handler behind `leastwise_status` in a server{} of stream, for an nginx
// without http. Speaks as much of HTTP/1.0 as who reads such pages needs: whatever GET asks for
// gets the page.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_STATUS_H_
#define LEASTWISE_NGINX_MODULE_STREAM_STATUS_H_

#include "stream/ngx.h"

namespace leastwise::nginx {

// Setter of `leastwise_status [json | prometheus]`.
char* set_status(ngx_conf_t* cf, ngx_command_t* command, void* server_conf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_STATUS_H_
