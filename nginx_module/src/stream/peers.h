// Peers: stream's types of nginx's list of servers.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_PEERS_H_
#define LEASTWISE_NGINX_MODULE_STREAM_PEERS_H_

#include "shared/round_robin.h"
#include "stream/conf.h"
#include "stream/ngx.h"

namespace leastwise::nginx {

using PeerData = ngx_stream_upstream_rr_peer_data_t;
using Peers = ngx_stream_upstream_rr_peers_t;
using Peer = ngx_stream_upstream_rr_peer_t;

extern const Kind stream_kind;

// Of now: `zone` puts another in the place of the one that the configuration had.
inline Peers& peers_of(const UpstreamConf& conf) noexcept {
  return *static_cast<Peers*>(conf.block->peer.data);
}

struct StreamTypes {
  using Peers = nginx::Peers;
  using Peer = nginx::Peer;
  static constexpr bool kResolves = LEASTWISE_NGX_RESOLVE;
  static Peers& peers_of(const Upstream& upstream) noexcept {
    return nginx::peers_of(static_cast<const UpstreamConf&>(upstream));
  }
  static std::uint32_t flags_of(const Peer& peer) noexcept {
    return peer.down != 0 ? std::uint32_t{kDown} : 0;
  }
};
using StreamPeers = RoundRobin<StreamTypes>;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_PEERS_H_
