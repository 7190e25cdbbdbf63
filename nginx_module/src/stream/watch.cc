#include "stream/watch.h"

#include "shared/watching.h"
#include "stream/attempt.h"
#include "stream/balancer.h"
#include "stream/peers.h"

namespace leastwise::nginx {
namespace {

struct Stream {
  using Attempt = nginx::Attempt;
  using Conf = UpstreamConf;
  using Block = ngx_stream_upstream_srv_conf_t;
  using Line = ngx_stream_upstream_server_t;
  using Peers = StreamPeers;
  static constexpr const char* kName = "stream";
  static constexpr bool kNotifies = true;

  static bool starts_anew(Attempt&) noexcept { return false; }
  static void on_notify(Attempt& attempt, ngx_peer_connection_t& pc, ngx_uint_t type) noexcept {
    if (type == NGX_STREAM_UPSTREAM_NOTIFY_CONNECT) on_connected(attempt, pc);
  }
};

ngx_int_t init_peer(ngx_stream_session_t* s, ngx_stream_upstream_srv_conf_t* us) noexcept {
  UpstreamConf& conf = conf_of(us);
  const ngx_int_t rc = conf.method(s, us);
  if (rc != NGX_OK) return rc;
  Watching<Stream>::begin(s->upstream->peer, make_attempt(s, conf), *s->connection->pool);
  return rc;
}

}  // namespace

bool watch(ngx_conf_t* cf, UpstreamConf& conf, ngx_stream_upstream_srv_conf_t& block) noexcept {
  return Watching<Stream>::set_up(cf, conf, block, init_peer);
}

}  // namespace leastwise::nginx
