// Sessions: TLS sessions with servers, each process's own.
//
// nginx keeps those of an upstream with `zone` in shared memory, behind its lock on the server: a
// process that dies with it would hang all others.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_SESSIONS_H_
#define LEASTWISE_NGINX_MODULE_SHARED_SESSIONS_H_

#include "shared/ngx.h"
#include "shared/upstream.h"

namespace leastwise::nginx {

#if (NGX_SSL)
// Makes the attempts of an upstream whose list does not change keep them so.
template <typename Attempt>
void keep_sessions(ngx_peer_connection_t& pc) noexcept {
  static constexpr auto session_of = [](void* data) noexcept -> void*& {
    auto& attempt = *static_cast<Attempt*>(data);
    return attempt.conf->worker.servers[attempt.last->ticket.member].session;
  };
  pc.set_session = [](ngx_peer_connection_t* c, void* data) noexcept -> ngx_int_t {
    return ngx_ssl_set_session(c->connection, static_cast<ngx_ssl_session_t*>(session_of(data)));
  };
  pc.save_session = [](ngx_peer_connection_t* c, void* data) noexcept {
    ngx_ssl_session_t* session = ngx_ssl_get_session(c->connection);
    if (session == nullptr) return;
    void*& kept = session_of(data);
    if (kept != nullptr) ngx_ssl_free_session(static_cast<ngx_ssl_session_t*>(kept));
    kept = session;
  };
}
#else
template <typename Attempt>
void keep_sessions(ngx_peer_connection_t&) noexcept {}
#endif

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_SESSIONS_H_
