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
inline void free_session(void* session) noexcept {
  ngx_ssl_free_session(static_cast<ngx_ssl_session_t*>(session));
}

// Makes the attempts of an upstream whose list does not change keep them so.
template <typename Attempt>
void keep_sessions(ngx_peer_connection_t& pc) noexcept {
  // nullptr when servers came or went since: the number may be another's.
  static constexpr auto session_of = [](void* data) noexcept -> void** {
    auto& attempt = *static_cast<Attempt*>(data);
    Worker& worker = attempt.conf->worker;
    if (attempt.generation != worker.generation) return nullptr;
    return &worker.servers[attempt.last->ticket.member].session;
  };
  pc.set_session = [](ngx_peer_connection_t* c, void* data) noexcept -> ngx_int_t {
    void** kept = session_of(data);
    auto* session = static_cast<ngx_ssl_session_t*>(kept != nullptr ? *kept : nullptr);
    return ngx_ssl_set_session(c->connection, session);
  };
  pc.save_session = [](ngx_peer_connection_t* c, void* data) noexcept {
    ngx_ssl_session_t* session = ngx_ssl_get_session(c->connection);
    if (session == nullptr) return;
    void** kept = session_of(data);
    if (kept == nullptr) return free_session(session);
    if (*kept != nullptr) free_session(*kept);
    *kept = session;
  };
}
#else
inline void free_session(void*) noexcept {}
template <typename Attempt>
void keep_sessions(ngx_peer_connection_t&) noexcept {}
#endif

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_SESSIONS_H_
