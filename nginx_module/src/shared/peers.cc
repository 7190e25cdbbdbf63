#include "shared/peers.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <new>

#include "leastwise/text.h"
#include "shared/slots.h"
#include "shared/upstream.h"

namespace leastwise::nginx {
namespace {

using EndpointSet = std::bitset<kMaxEndpoints>;

// The most bytes that the names of a server and its upstream may have together.
std::size_t most_of_names(const Kind& kind) noexcept {
  return kMaxEndpointName - kind.name.size() - std::string_view("//#nnnnn").size();
}

void write_name(const Upstream& upstream, const Server& server, std::uint32_t again,
                Text& out) noexcept {
  out << upstream.kind->name << '/' << view(upstream.name) << '/' << view(server.name);
  if (again > 0) out << '#' << again + 1;
}

// The same address on two lines is two endpoints, each with the settings of its line.
EndpointId endpoint_of(const Upstream& upstream, const Server& server,
                       const EndpointSet& taken) noexcept {
  Pool pool = upstream.pool;
  const bool is_newest = pool.is_newest(upstream.configuration);
  for (std::uint32_t again = 0;; ++again) {
    std::array<char, kMaxEndpointName> buffer;
    Text name(buffer);
    write_name(upstream, server, again, name);
    if (!name.fits()) return kNoEndpoint;
    const EndpointId id = is_newest ? pool.add(name.view()) : pool.recall(name.view());
    if (id == kNoEndpoint || !taken[index(id)]) return id;
  }
}

// What the pool has no address of, such as a unix socket, is near.
bool is_remote(const Networks& near, const sockaddr& address) noexcept {
  if (near.empty()) return false;
  if (address.sa_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in.sin_addr);
    return !near.contains(std::span(bytes, sizeof(in.sin_addr)));
  }
#if (NGX_HAVE_INET6)
  if (address.sa_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in.sin6_addr);
    return !near.contains(std::span(bytes, sizeof(in.sin6_addr)));
  }
#endif
  return false;
}

}  // namespace

std::size_t join_pool(const Upstream& upstream, std::span<Server> servers,
                      std::span<Member> members) noexcept {
  EndpointSet taken;
  std::size_t n = 0;
  for (const Server& server : servers) {
    if (n == members.size()) break;
    const bool is_added = server.id != kNoEndpoint;
    const EndpointId id = is_added ? server.id : endpoint_of(upstream, server, taken);
    // The configuration may have got a server that was added before.
    if (id == kNoEndpoint || (is_added && taken[index(id)])) continue;
    taken.set(index(id));
    members[n] = {.id = id, .backup = (server.settings.flags & kBackup) != 0};
    servers[n] = server;
    servers[n++].id = id;
  }
  return n;
}

EndpointSettings settings_in_pool(const Upstream& upstream, const Server& server) noexcept {
  EndpointSettings settings = server.settings;
  settings.flags &= ~std::uint32_t{kRemote | kMandatory};
  if (is_remote(upstream.config.locality, *server.address)) settings.flags |= kRemote;
  if (upstream.config.probe.mandatory) settings.flags |= kMandatory;
  return settings;
}

void configure_pool(Upstream& upstream, std::span<const Member> members,
                    std::span<const Server> servers) noexcept {
  EndpointSet kept;
  for (std::size_t i = 0; i < members.size(); ++i) {
    kept.set(index(members[i].id));
    EndpointSettings settings = settings_in_pool(upstream, servers[i]);
    settings.order = static_cast<std::uint32_t>(i);
    upstream.pool.configure(members[i].id, settings);
  }
  // One that was added may have come since `members` were listed.
  const bool has_slots = slots_of(upstream) != 0;
  upstream.pool.for_each([&](EndpointId id) noexcept {
    const bool is_added = (upstream.pool.configured(id).flags & kAdded) != 0;
    if (!kept[index(id)] && !(has_slots && is_added)) upstream.pool.retire(id);
  });
}

std::size_t longest_name(const Upstream& upstream, ngx_pool_t& memory) noexcept {
  const std::size_t n = upstream.kind->list(upstream, {});
  void* room = ngx_palloc(&memory, n * sizeof(Server) + 1);
  if (room == nullptr) return 0;  // nginx itself gets no further
  const std::span servers(new (room) Server[n], n);
  std::size_t longest = 0;
  for (const Server& s : servers.first(std::min(n, upstream.kind->list(upstream, servers)))) {
    longest = std::max(longest, s.name.len);
  }
  return longest;
}

bool fit_names(ngx_conf_t* cf, const Upstream& upstream, std::size_t longest) noexcept {
  const std::size_t names = upstream.name.len + longest;
  const std::size_t most = most_of_names(*upstream.kind);
  if (names <= most) return true;
  ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                "\"leastwise\": the names of upstream \"%V\" and of its servers are too long: "
                "%uz bytes, expected at most %uz for both in %V:%ui",
                &upstream.name, names, most, &upstream.first.file, upstream.first.line);
  return false;
}

}  // namespace leastwise::nginx
