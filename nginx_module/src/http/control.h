// Control: the content handler behind `leastwise_control`. What its paths and bodies mean is in
// control/; here a request comes in and an answer goes out.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_CONTROL_H_
#define LEASTWISE_NGINX_MODULE_HTTP_CONTROL_H_

#include "http/ngx.h"

namespace leastwise::nginx {

// Setter of `leastwise_control`.
char* set_control(ngx_conf_t* cf, ngx_command_t* command, void* location_conf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_CONTROL_H_
