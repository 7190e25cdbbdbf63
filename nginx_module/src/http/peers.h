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

std::size_t longest_name(const Peers& peers) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_PEERS_H_
