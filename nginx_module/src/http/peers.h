// Peers: http's type of nginx's list of servers.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_PEERS_H_
#define LEASTWISE_NGINX_MODULE_HTTP_PEERS_H_

#include "http/conf.h"
#include "http/ngx.h"

namespace leastwise::nginx {

using PeerData = ngx_http_upstream_rr_peer_data_t;
using Peers = ngx_http_upstream_rr_peers_t;
using Peer = ngx_http_upstream_rr_peer_t;

extern const Kind http_kind;

// Of now: `zone` puts another in the place of the one that the configuration had.
inline Peers& peers_of(const UpstreamConf& conf) noexcept {
  return *static_cast<Peers*>(conf.block->peer.data);
}

// Servers come and go at run time.
bool resolves(const Peers& peers) noexcept;

// The counts that nginx itself keeps of a server. We do not go by them, but others read them, and
// with `resolve` nginx keeps a server only while it is in use. Only then its locks are taken: a
// process that dies with one would hang all others, and a list that does not change needs none.
void hold(const Upstream& upstream, const Server& server) noexcept;

// What nginx's ngx_http_upstream_free_round_robin_peer does, without its locks, and all that it
// does to count a failure, once a server is blamed for it. REQUIRES: a list that does not change.
void let_go(ngx_peer_connection_t& pc, PeerData& round_robin, ngx_uint_t state) noexcept;
void count_failure(const Server& server, ngx_log_t& log) noexcept;

std::size_t longest_name(const Peers& peers) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_PEERS_H_
