#include "http/peers.h"

#include <algorithm>
#include <atomic>

namespace leastwise::nginx {
namespace {

EndpointSettings settings_of(const Peers& list, const Peer& peer, bool backup) noexcept {
  EndpointSettings settings;
  settings.weight = static_cast<std::uint32_t>(peer.weight);
  settings.max_conns = static_cast<std::uint32_t>(peer.max_conns);
  // nginx never takes the only server out of service.
  settings.max_fails = list.single ? 0 : static_cast<std::uint32_t>(peer.max_fails);
  settings.fail_timeout = std::chrono::seconds(peer.fail_timeout);
  if (backup) settings.flags |= kBackup;
#ifdef NGX_HTTP_UPSTREAM_DRAINING
  if ((peer.down & NGX_HTTP_UPSTREAM_DRAINING) != 0) settings.flags |= kDraining;
  if ((peer.down & ~static_cast<ngx_uint_t>(NGX_HTTP_UPSTREAM_DRAINING)) != 0) {
    settings.flags |= kDown;
  }
#else
  if (peer.down != 0) settings.flags |= kDown;
#endif
  return settings;
}

// relaxed: counts that nobody reads together.
constexpr auto kRelaxed = std::memory_order_relaxed;
template <typename T>
std::atomic_ref<T> at(T& count) noexcept {
  return std::atomic_ref<T>(count);
}

Peers& peers_of(const Upstream& upstream) noexcept {
  return leastwise::nginx::peers_of(static_cast<const UpstreamConf&>(upstream));
}

std::size_t list_servers(const Upstream& upstream, std::span<Server> out) noexcept {
  Peers& peers = peers_of(upstream);
  std::size_t n = 0;
  for (Peers* list = &peers; list != nullptr; list = list->next) {
    for (Peer* peer = list->peer; peer != nullptr && n < out.size(); peer = peer->next) {
      out[n++] = {.name = peer->name,
                  .address = peer->sockaddr,
                  .address_size = peer->socklen,
                  .settings = settings_of(*list, *peer, list != &peers),
                  .peer = peer,
                  .list = list};
    }
  }
  return peers.number + (peers.next != nullptr ? peers.next->number : 0);
}

#if LEASTWISE_NGX_RESOLVE
ngx_uint_t generation(const Upstream& upstream) noexcept {
  const Peers& peers = peers_of(upstream);
  return peers.config != nullptr ? *peers.config : 0;
}

// nginx's macros take a pointer by name.
void lock(const Upstream& upstream) noexcept {
  for (Peers* peers = &peers_of(upstream); peers != nullptr; peers = peers->next) {
    ngx_http_upstream_rr_peers_rlock(peers);
  }
}

void unlock(const Upstream& upstream) noexcept {
  for (Peers* peers = &peers_of(upstream); peers != nullptr; peers = peers->next) {
    ngx_http_upstream_rr_peers_unlock(peers);
  }
}
#else
constexpr ngx_uint_t (*generation)(const Upstream&) noexcept = nullptr;
constexpr void (*lock)(const Upstream&) noexcept = nullptr;
constexpr void (*unlock)(const Upstream&) noexcept = nullptr;
#endif

}  // namespace

constinit const Kind http_kind = {
    .name = "http",
    .list = list_servers,
    .generation = generation,
    .lock = lock,
    .unlock = unlock,
};

bool resolves(const Peers& peers) noexcept {
#if LEASTWISE_NGX_RESOLVE
  return peers.resolve != nullptr || (peers.next != nullptr && peers.next->resolve != nullptr);
#else
  static_cast<void>(peers);
  return false;
#endif
}

void hold(const Upstream& upstream, const Server& server) noexcept {
  [[maybe_unused]] auto* peers = static_cast<Peers*>(server.list);
  auto* peer = static_cast<Peer*>(server.peer);
  if (upstream.changes) ngx_http_upstream_rr_peer_lock(peers, peer);
  // As nginx's own methods do here: its free then forgives older failures.
  if (ngx_time() - at(peer->checked).load(kRelaxed) > peer->fail_timeout) {
    at(peer->checked).store(ngx_time(), kRelaxed);
  }
  at(peer->conns).fetch_add(1, kRelaxed);
#if LEASTWISE_NGX_RESOLVE
  ngx_http_upstream_rr_peer_ref(peers, peer);
#endif
  if (upstream.changes) ngx_http_upstream_rr_peer_unlock(peers, peer);
}

void let_go(ngx_peer_connection_t& pc, PeerData& round_robin, ngx_uint_t state) noexcept {
  Peer& peer = *round_robin.current;
  at(peer.conns).fetch_sub(1, kRelaxed);
  if (round_robin.peers->single) {
    at(peer.fails).store(0, kRelaxed);
    pc.tries = 0;
    return;
  }
  if ((state & NGX_PEER_FAILED) == 0 &&
      at(peer.accessed).load(kRelaxed) < at(peer.checked).load(kRelaxed)) {
    at(peer.fails).store(0, kRelaxed);
  }
  if (pc.tries > 0) --pc.tries;
}

void count_failure(const Server& server, ngx_log_t& log) noexcept {
  auto& peer = *static_cast<Peer*>(server.peer);
  if (static_cast<const Peers*>(server.list)->single) return;
  const ngx_uint_t fails = at(peer.fails).fetch_add(1, kRelaxed) + 1;
  at(peer.accessed).store(ngx_time(), kRelaxed);
  at(peer.checked).store(ngx_time(), kRelaxed);
  if (peer.max_fails != 0 && fails >= peer.max_fails) {
    ngx_log_error(NGX_LOG_WARN, &log, 0, "upstream server temporarily disabled");
  }
}

std::size_t longest_name(const Peers& peers) noexcept {
  std::size_t longest = 0;
  for (const Peers* list = &peers; list != nullptr; list = list->next) {
    for (const Peer* peer = list->peer; peer != nullptr; peer = peer->next) {
      longest = std::max(longest, peer->name.len);
    }
  }
  return longest;
}

}  // namespace leastwise::nginx
