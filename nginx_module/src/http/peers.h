// Peers: http's types of nginx's list of servers.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_PEERS_H_
#define LEASTWISE_NGINX_MODULE_HTTP_PEERS_H_

#include "http/conf.h"
#include "http/ngx.h"
#include "shared/round_robin.h"

namespace leastwise::nginx {

using PeerData = ngx_http_upstream_rr_peer_data_t;
using Peers = ngx_http_upstream_rr_peers_t;
using Peer = ngx_http_upstream_rr_peer_t;

extern const Kind http_kind;

// Of now: `zone` puts another in the place of the one that the configuration had.
inline Peers& peers_of(const UpstreamConf& conf) noexcept {
  return *static_cast<Peers*>(conf.block->peer.data);
}

struct HttpTypes {
  using Peers = nginx::Peers;
  using Peer = nginx::Peer;
  static constexpr bool kResolves = LEASTWISE_NGX_RESOLVE;
  static Peers& peers_of(const Upstream& upstream) noexcept {
    return nginx::peers_of(static_cast<const UpstreamConf&>(upstream));
  }
  static std::uint32_t flags_of(const Peer& peer) noexcept;
};
using HttpPeers = RoundRobin<HttpTypes>;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_PEERS_H_
