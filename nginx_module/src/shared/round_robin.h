// Round robin: nginx's own list of the servers of an upstream. http and stream have types of their
// own for it, which differ in little but their names; Types says what differs:
//
//   Peers, Peer                 nginx's types
//   kResolves                   servers may come and go at run time (`resolve`)
//   peers_of(Upstream&)         the list of now
//   flags_of(Peer&)             kDown and kDraining
#ifndef LEASTWISE_NGINX_MODULE_SHARED_ROUND_ROBIN_H_
#define LEASTWISE_NGINX_MODULE_SHARED_ROUND_ROBIN_H_

#include <algorithm>
#include <atomic>
#include <span>

#include "shared/upstream.h"

namespace leastwise::nginx {

template <typename Types>
class RoundRobin {
 public:
  using Peers = typename Types::Peers;
  using Peer = typename Types::Peer;

  // The functions that Kind has of a list.
  static std::size_t list(const Upstream& upstream, std::span<Server> out) noexcept;
  static ngx_uint_t generation(const Upstream& upstream) noexcept;
  static void lock(const Upstream& upstream) noexcept;
  static void unlock(const Upstream& upstream) noexcept;

  static bool resolves(const Peers& peers) noexcept;
  static std::size_t longest_name(const Peers& peers) noexcept;

  // The counts that nginx itself keeps of a server. We do not go by them, but others read them,
  // and with `resolve` nginx keeps a server only while it is in use. Only then its locks are
  // taken: a process that dies with one would hang all others, and a list that does not change
  // needs none.
  static void hold(const Upstream& upstream, const Server& server) noexcept;

  // What nginx's own free_round_robin_peer does, without its locks, and all that it does to count
  // a failure, once a server is blamed for it; `is_out`: it is left out from now on, as the pool of
  // all workers has it, and the log is told. REQUIRES: a list that does not change.
  static void let_go(ngx_peer_connection_t& pc, const Upstream& upstream, const Peers& peers,
                     Peer& peer, ngx_uint_t state) noexcept;
  static void count_failure(const Upstream& upstream, const Server& server, bool is_out,
                            ngx_log_t& log) noexcept;

  static void* make_spares(ngx_pool_t& memory, std::size_t n) noexcept;
  static void use_spare(void* spares, std::size_t i, Server& server) noexcept;

 private:
  static bool is_only(const Upstream& upstream, const Peers& list) noexcept {
    return list.single && upstream.slots == 0;
  }
  // relaxed: counts that nobody reads together.
  static constexpr auto kRelaxed = std::memory_order_relaxed;
  template <typename T>
  static std::atomic_ref<T> at(T& count) noexcept {
    return std::atomic_ref<T>(count);
  }
  static EndpointSettings settings_of(const Upstream& upstream, const Peers& list, const Peer& peer,
                                      bool backup) noexcept;
};

template <typename Types>
EndpointSettings RoundRobin<Types>::settings_of(const Upstream& upstream, const Peers& list,
                                                const Peer& peer, bool backup) noexcept {
  EndpointSettings settings;
  settings.weight = static_cast<std::uint32_t>(peer.weight);
  settings.max_conns = static_cast<std::uint32_t>(peer.max_conns);
  // nginx never takes the only server out of service; with slots it may not be the only one.
  settings.max_fails = is_only(upstream, list) ? 0 : static_cast<std::uint32_t>(peer.max_fails);
  settings.fail_timeout = std::chrono::seconds(peer.fail_timeout);
  settings.flags |= Types::flags_of(peer);
  if (backup) settings.flags |= kBackup;
  return settings;
}

template <typename Types>
std::size_t RoundRobin<Types>::list(const Upstream& upstream, std::span<Server> out) noexcept {
  Peers& peers = Types::peers_of(upstream);
  std::size_t n = 0;
  for (Peers* list = &peers; list != nullptr; list = list->next) {
    for (Peer* peer = list->peer; peer != nullptr && n < out.size(); peer = peer->next) {
      out[n++] = {.name = peer->name,
                  .address = peer->sockaddr,
                  .address_size = peer->socklen,
                  .settings = settings_of(upstream, *list, *peer, list != &peers),
                  .peer = peer,
                  .list = list};
    }
  }
  return peers.number + (peers.next != nullptr ? peers.next->number : 0);
}

template <typename Types>
ngx_uint_t RoundRobin<Types>::generation(const Upstream& upstream) noexcept {
  if constexpr (Types::kResolves) {
    const Peers& peers = Types::peers_of(upstream);
    return peers.config != nullptr ? *peers.config : 0;
  }
  return 0;
}

template <typename Types>
void RoundRobin<Types>::lock(const Upstream& upstream) noexcept {
  if constexpr (Types::kResolves) {
    for (Peers* peers = &Types::peers_of(upstream); peers != nullptr; peers = peers->next) {
      if (peers->shpool != nullptr) ngx_rwlock_rlock(&peers->rwlock);
    }
  }
}

template <typename Types>
void RoundRobin<Types>::unlock(const Upstream& upstream) noexcept {
  if constexpr (Types::kResolves) {
    for (Peers* peers = &Types::peers_of(upstream); peers != nullptr; peers = peers->next) {
      if (peers->shpool != nullptr) ngx_rwlock_unlock(&peers->rwlock);
    }
  }
}

template <typename Types>
bool RoundRobin<Types>::resolves(const Peers& peers) noexcept {
  if constexpr (Types::kResolves) {
    return peers.resolve != nullptr || (peers.next != nullptr && peers.next->resolve != nullptr);
  }
  return false;
}

template <typename Types>
std::size_t RoundRobin<Types>::longest_name(const Peers& peers) noexcept {
  std::size_t longest = 0;
  for (const Peers* list = &peers; list != nullptr; list = list->next) {
    for (const Peer* peer = list->peer; peer != nullptr; peer = peer->next) {
      longest = std::max(longest, peer->name.len);
    }
  }
  return longest;
}

template <typename Types>
void RoundRobin<Types>::hold(const Upstream& upstream, const Server& server) noexcept {
  auto* peer = static_cast<Peer*>(server.peer);
  [[maybe_unused]] bool locked = false;
  if constexpr (Types::kResolves) {
    locked = upstream.changes && static_cast<const Peers*>(server.list)->shpool != nullptr;
    if (locked) ngx_rwlock_wlock(&peer->lock);
  }
  // As nginx's own methods do here: its free then forgives older failures.
  if (ngx_time() - at(peer->checked).load(kRelaxed) > peer->fail_timeout) {
    at(peer->checked).store(ngx_time(), kRelaxed);
  }
  at(peer->conns).fetch_add(1, kRelaxed);
  if constexpr (Types::kResolves) {
    ++peer->refs;
    if (locked) ngx_rwlock_unlock(&peer->lock);
  }
}

template <typename Types>
void RoundRobin<Types>::let_go(ngx_peer_connection_t& pc, const Upstream& upstream,
                               const Peers& peers, Peer& peer, ngx_uint_t state) noexcept {
  at(peer.conns).fetch_sub(1, kRelaxed);
  if (is_only(upstream, peers)) {
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

template <typename Types>
void RoundRobin<Types>::count_failure(const Upstream& upstream, const Server& server, bool is_out,
                                      ngx_log_t& log) noexcept {
  auto& peer = *static_cast<Peer*>(server.peer);
  if (is_only(upstream, *static_cast<const Peers*>(server.list))) return;
  at(peer.fails).fetch_add(1, kRelaxed);
  at(peer.accessed).store(ngx_time(), kRelaxed);
  at(peer.checked).store(ngx_time(), kRelaxed);
  // nginx's own methods say it of each failure from then on, of thousands a second.
  if (is_out) ngx_log_error(NGX_LOG_WARN, &log, 0, "upstream server temporarily disabled");
}

// A list of none, and behind it the records.
template <typename Types>
void* RoundRobin<Types>::make_spares(ngx_pool_t& memory, std::size_t n) noexcept {
  return ngx_pcalloc(&memory, sizeof(Peers) + n * sizeof(Peer));
}

// Name and address of such a record are those of no server: they go with the request.
template <typename Types>
void RoundRobin<Types>::use_spare(void* spares, std::size_t i, Server& server) noexcept {
  auto* list = static_cast<Peers*>(spares);
  auto* peer = reinterpret_cast<Peer*>(list + 1) + i;
  peer->max_fails = server.settings.max_fails;
  peer->fail_timeout =
      std::chrono::duration_cast<std::chrono::seconds>(server.settings.fail_timeout).count();
  server.peer = peer;
  server.list = list;
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_ROUND_ROBIN_H_
