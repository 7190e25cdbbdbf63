#include "shared/addresses.h"

#include <algorithm>

namespace leastwise::nginx {
namespace {

constexpr ngx_uint_t kWithPort = 1;

std::uint32_t hash_of(const void* bytes, std::size_t size, in_port_t port) noexcept {
  const auto* begin = static_cast<const u_char*>(bytes);
  return ngx_murmur_hash2(const_cast<u_char*>(begin), size) ^ (std::uint32_t{port} * 0x9e3779b1U);
}

// Of what tells addresses apart: the rest of the record may hold anything.
std::uint32_t hash_of(const sockaddr& address, socklen_t size) noexcept {
  if (address.sa_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    return hash_of(&in.sin_addr, sizeof(in.sin_addr), in.sin_port);
  }
#if (NGX_HAVE_INET6)
  if (address.sa_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
    return hash_of(&in.sin6_addr, sizeof(in.sin6_addr), in.sin6_port);
  }
#endif
  return hash_of(&address, size, 0);
}

}  // namespace

void sort_addresses(std::span<const Server> servers, std::span<AddressOf> out) noexcept {
  for (std::size_t i = 0; i < servers.size(); ++i) {
    out[i] = {hash_of(*servers[i].address, servers[i].address_size), static_cast<MemberIndex>(i)};
  }
  std::ranges::sort(out);
}

MemberIndex member_at(const Worker& worker, sockaddr& address, socklen_t size) noexcept {
  const std::uint32_t hash = hash_of(address, size);
  const auto all = worker.addresses;
  for (auto at = std::ranges::lower_bound(all, hash, {}, &AddressOf::hash);
       at != all.end() && at->hash == hash; ++at) {
    const Server& server = worker.servers[at->member];
    if (ngx_cmp_sockaddr(server.address, server.address_size, &address, size, kWithPort) ==
        NGX_OK) {
      return at->member;
    }
  }
  return kNoMember;
}

}  // namespace leastwise::nginx
