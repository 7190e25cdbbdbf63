// Peers: nginx's servers as members of a pool.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_PEERS_H_
#define LEASTWISE_NGINX_MODULE_SHARED_PEERS_H_

#include <span>
#include <string_view>

#include "leastwise/picker.h"
#include "leastwise/pool.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

struct Upstream;

// One server as nginx's list has it. Names and addresses are views of that list.
struct Server {
  ngx_str_t name{};  // ADDR:PORT
  sockaddr* address = nullptr;
  socklen_t address_size = 0;
  EndpointSettings settings;    // by nginx's own configuration; kRemote is added here
  void* peer = nullptr;         // nginx's record of it,
  void* session = nullptr;      // this process's last TLS session with it
  void* list = nullptr;         // and the list that it is in: backups have one of their own
  EndpointId id = kNoEndpoint;  // its place in the pool, once it has joined it
};

// Finds each server's endpoint in the pool by its full name, or adds it, and fills `members`. A
// process with an old configuration adds nothing, and brings back nothing that is retired.
// A server for which the pool has no room is taken out of `servers`, which stays in the same
// order. Returns the number of members.
std::size_t join_pool(const Upstream& upstream, std::span<Server> servers,
                      std::span<Member> members) noexcept;

// What the pool is told of a server.
EndpointSettings settings_in_pool(const Upstream& upstream, const Server& server) noexcept;

// Tells the pool what the configuration says of each member, and retires the endpoints that
// are none.
void configure_pool(Upstream& upstream, std::span<const Member> members,
                    std::span<const Server> servers) noexcept;

// Bytes of the longest name of its servers; those of all that it may have in a list that changes.
std::size_t longest_name(const Upstream& upstream, ngx_pool_t& memory) noexcept;

// Logs an error and returns false when the names of the upstream and of its server with the
// longest are too long for the pool.
bool fit_names(ngx_conf_t* cf, const Upstream& upstream, std::size_t longest) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_PEERS_H_
