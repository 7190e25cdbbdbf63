#include "http/sessions.h"

#include "http/attempt.h"

namespace leastwise::nginx {

#if (NGX_HTTP_SSL)
namespace {

void*& session_of(void* data) noexcept {
  auto& attempt = *static_cast<Attempt*>(data);
  return attempt.conf->worker.servers[attempt.last->ticket.member].session;
}

ngx_int_t set_session(ngx_peer_connection_t* pc, void* data) noexcept {
  return ngx_ssl_set_session(pc->connection, static_cast<ngx_ssl_session_t*>(session_of(data)));
}

void save_session(ngx_peer_connection_t* pc, void* data) noexcept {
  ngx_ssl_session_t* session = ngx_ssl_get_session(pc->connection);
  if (session == nullptr) return;
  void*& kept = session_of(data);
  if (kept != nullptr) ngx_ssl_free_session(static_cast<ngx_ssl_session_t*>(kept));
  kept = session;
}

}  // namespace

void keep_sessions(ngx_peer_connection_t& pc) noexcept {
  pc.set_session = set_session;
  pc.save_session = save_session;
}
#else
void keep_sessions(ngx_peer_connection_t&) noexcept {}
#endif

}  // namespace leastwise::nginx
