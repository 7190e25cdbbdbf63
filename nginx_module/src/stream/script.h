// Script: what a policy in Lua is told of a session.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_SCRIPT_H_
#define LEASTWISE_NGINX_MODULE_STREAM_SCRIPT_H_

#include "lua/request.h"
#include "stream/attempt.h"

namespace leastwise::nginx {

// Of an ngx_stream_session_t.
extern const lua::RequestSource script_source;

// Route and key of an attempt that begins, where the script says them.
void ask_script(Attempt& attempt) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_SCRIPT_H_
