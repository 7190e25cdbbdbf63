// Variables: what was decided and measured for a request, for logs and headers.
//
//   $leastwise_endpoint         server
//   $leastwise_reason           why this one
//   $leastwise_predicted_time   expected, seconds; - before anything was learned
//   $leastwise_first_byte_time  taken, seconds; - when no answer began
//   $leastwise_score            in the policy's own unit
//   $leastwise_inflight         requests that the server had before this one
//
// As with $upstream_addr, several tries are separated by commas, and by colons where an
// internal redirect lies between them.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_VARIABLES_H_
#define LEASTWISE_NGINX_MODULE_HTTP_VARIABLES_H_

#include "http/ngx.h"

namespace leastwise::nginx {

ngx_int_t add_variables(ngx_conf_t* cf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_VARIABLES_H_
