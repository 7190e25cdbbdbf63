// Proxy: what proxy_pass was told in the server{} of a session.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_PROXY_H_
#define LEASTWISE_NGINX_MODULE_STREAM_PROXY_H_

#include "stream/ngx.h"

namespace leastwise::nginx {

// Finds it in nginx's own table of commands: the type that it is a field of is private to nginx. To
// be called once, when the configuration is read.
void find_proxy_settings() noexcept;

// proxy_responses, of UDP.
enum class Responses : std::uint8_t { kNone, kSome, kUnlimited };
Responses proxy_responses(ngx_stream_session_t* s) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_PROXY_H_
