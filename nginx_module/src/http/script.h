// Script: what a policy in Lua is told of a request.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_SCRIPT_H_
#define LEASTWISE_NGINX_MODULE_HTTP_SCRIPT_H_

#include "http/attempt.h"
#include "lua/request.h"

namespace leastwise::nginx {

// Of an ngx_http_request_t.
extern const lua::RequestSource script_source;

// Route and key of an attempt that begins, where the script says them.
void ask_script(Attempt& attempt) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_SCRIPT_H_
