#include "shared/peers.h"

#include <algorithm>
#include <array>
#include <bitset>

#include "leastwise/text.h"

namespace leastwise::nginx {
namespace {

using EndpointSet = std::bitset<kMaxEndpoints>;

void write_name(std::string_view upstream, const Peer& peer, std::uint32_t again,
                Text& out) noexcept {
  out << "http/" << upstream << '/' << view(peer.name);
  if (again > 0) out << '#' << again + 1;
}

// The same address on two lines is two endpoints, each with the settings of its line.
EndpointId endpoint_of(Pool& pool, std::string_view upstream, const Peer& peer,
                       const EndpointSet& taken) noexcept {
  for (std::uint32_t again = 0;; ++again) {
    std::array<char, kMaxEndpointName> buffer;
    Text name(buffer);
    write_name(upstream, peer, again, name);
    const EndpointId id = name.fits() ? pool.add(name.view()) : kNoEndpoint;
    if (id == kNoEndpoint || !taken[index(id)]) return id;
  }
}

// What the pool has no address of, such as a unix socket, is near.
bool is_remote(const Networks& near, const Peer& peer) noexcept {
  if (near.empty()) return false;
  if (peer.sockaddr->sa_family == AF_INET) {
    const auto& in = *reinterpret_cast<const sockaddr_in*>(peer.sockaddr);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in.sin_addr);
    return !near.contains(std::span(bytes, sizeof(in.sin_addr)));
  }
#if (NGX_HAVE_INET6)
  if (peer.sockaddr->sa_family == AF_INET6) {
    const auto& in = *reinterpret_cast<const sockaddr_in6*>(peer.sockaddr);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in.sin6_addr);
    return !near.contains(std::span(bytes, sizeof(in.sin6_addr)));
  }
#endif
  return false;
}

EndpointSettings settings_of(const Config& config, const Server& server, bool backup) noexcept {
  const Peer& peer = *server.peer;
  EndpointSettings settings;
  settings.weight = static_cast<std::uint32_t>(peer.weight);
  settings.max_conns = static_cast<std::uint32_t>(peer.max_conns);
  // nginx never takes the only server out of service.
  settings.max_fails = server.list->single ? 0 : static_cast<std::uint32_t>(peer.max_fails);
  settings.fail_timeout = std::chrono::seconds(peer.fail_timeout);
  if (backup) settings.flags |= kBackup;
  if (is_remote(config.locality, peer)) settings.flags |= kRemote;
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

}  // namespace

std::size_t count_peers(const Peers& peers) noexcept {
  return peers.number + (peers.next != nullptr ? peers.next->number : 0);
}

std::size_t join_pool(Pool& pool, std::string_view upstream, Peers& peers,
                      std::span<Member> members, std::span<Server> servers) noexcept {
  EndpointSet taken;
  std::size_t n = 0;
  for (Peers* list = &peers; list != nullptr; list = list->next) {
    for (Peer* peer = list->peer; peer != nullptr && n < members.size(); peer = peer->next) {
      const EndpointId id = endpoint_of(pool, upstream, *peer, taken);
      if (id == kNoEndpoint) continue;
      taken.set(index(id));
      members[n] = {.id = id, .backup = list != &peers};
      servers[n++] = {.list = list, .peer = peer};
    }
  }
  return n;
}

void configure_pool(Pool& pool, const Config& config, std::span<const Member> members,
                    std::span<const Server> servers) noexcept {
  EndpointSet kept;
  for (std::size_t i = 0; i < members.size(); ++i) {
    kept.set(index(members[i].id));
    pool.configure(members[i].id, settings_of(config, servers[i], members[i].backup));
  }
  pool.for_each([&](EndpointId id) noexcept {
    if (!kept[index(id)]) pool.retire(id);
  });
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
