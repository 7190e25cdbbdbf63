// Variables: those of shared/variables.h, for requests. Where an internal redirect lies between two
// tries, a colon separates them, as with $upstream_addr.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_VARIABLES_H_
#define LEASTWISE_NGINX_MODULE_HTTP_VARIABLES_H_

#include "http/ngx.h"

namespace leastwise::nginx {

ngx_int_t add_variables(ngx_conf_t* cf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_VARIABLES_H_
