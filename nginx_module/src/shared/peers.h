// Peers: nginx's list of servers as members of a pool.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_PEERS_H_
#define LEASTWISE_NGINX_MODULE_SHARED_PEERS_H_

#include <span>

#include "leastwise/picker.h"
#include "leastwise/pool.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

// One server, and the list that it is in: nginx keeps backups in a list of their own.
struct Server {
  Peers* list;
  Peer* peer;
};

// Servers may come and go at run time, in memory that all workers share: hold this while
// looking at them. Free where there is no shared memory.
class PeersLock {
 public:
  explicit PeersLock(Peers& peers) noexcept : peers_(peers), backups_(peers.next) {
    lock(peers_);
    if (backups_ != nullptr) lock(*backups_);
  }
  ~PeersLock() {
    if (backups_ != nullptr) unlock(*backups_);
    unlock(peers_);
  }
  PeersLock(const PeersLock&) = delete;
  PeersLock& operator=(const PeersLock&) = delete;

 private:
  // nginx's macros take a pointer by name.
  static void lock(Peers& list) noexcept {
    [[maybe_unused]] Peers* peers = &list;
    ngx_http_upstream_rr_peers_rlock(peers);
  }
  static void unlock(Peers& list) noexcept {
    [[maybe_unused]] Peers* peers = &list;
    ngx_http_upstream_rr_peers_unlock(peers);
  }

  Peers& peers_;
  Peers* backups_;
};

// Changes whenever the list does. REQUIRES: PeersLock, or a list that no worker sees yet.
inline ngx_uint_t generation_of(const Peers& peers) noexcept {
#if LEASTWISE_NGX_RESOLVE
  return peers.config != nullptr ? *peers.config : 0;
#else
  static_cast<void>(peers);
  return 0;
#endif
}

// Backups included. REQUIRES as above, for the next two as well.
std::size_t count_peers(const Peers& peers) noexcept;

// Finds each server's endpoint in the pool by its full name, or adds it. Fills members and
// servers alike: first the others, then the backups. A server for which the pool has no
// room is left out. Returns the number of members.
std::size_t join_pool(Pool& pool, std::string_view upstream, Peers& peers,
                      std::span<Member> members, std::span<Server> servers) noexcept;

// Tells the pool what the configuration says of each member, and retires the endpoints that
// are none.
void configure_pool(Pool& pool, const Config& config, std::span<const Member> members,
                    std::span<const Server> servers) noexcept;

// The most bytes that the names of a server and its upstream may have together.
inline constexpr std::size_t kMaxNames = kMaxEndpointName - 12;  // http/ / #nnnnn
std::size_t longest_name(const Peers& peers) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_PEERS_H_
