// Sessions: TLS sessions with servers, each process's own.
//
// nginx keeps those of an upstream with `zone` in shared memory, behind its lock on the server: a
// process that dies with it would hang all others.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_SESSIONS_H_
#define LEASTWISE_NGINX_MODULE_HTTP_SESSIONS_H_

#include "http/ngx.h"

namespace leastwise::nginx {

// Makes the attempts of an upstream whose list does not change keep them so.
void keep_sessions(ngx_peer_connection_t& pc) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_SESSIONS_H_
