// Variables: those of shared/variables.h, for sessions.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_VARIABLES_H_
#define LEASTWISE_NGINX_MODULE_STREAM_VARIABLES_H_

#include "stream/ngx.h"

namespace leastwise::nginx {

ngx_int_t add_variables(ngx_conf_t* cf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_VARIABLES_H_
