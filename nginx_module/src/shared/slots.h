// Slots: room for servers that are added to an upstream at run time, by `leastwise_control`.
//
// Such a server is an endpoint of the pool with kAdded, whose name says its address: so every
// worker finds it in shared memory, and lists it behind nginx's own. nginx's record of it is this
// process's own, one of those that were made for the slots.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_SLOTS_H_
#define LEASTWISE_NGINX_MODULE_SHARED_SLOTS_H_

#include <span>
#include <string_view>

#include "shared/ngx.h"
#include "shared/peers.h"

namespace leastwise::nginx {

struct Upstream;

// Sets leastwise_slots: how many.
char* set_slots(ngx_conf_t* cf, Upstream& upstream) noexcept;

// Reads a literal address with its port, or unix:PATH, into name, as nginx itself would write it,
// and address of `out`. False when it is none, or memory ran out.
bool read_address(std::string_view text, ngx_pool_t& memory, Server& out) noexcept;

// Fills `out` with the servers that were added, as many as it takes. Returns how many those are.
std::size_t list_added(const Upstream& upstream, ngx_pool_t& memory,
                       std::span<Server> out) noexcept;

// Configured servers have their places in the pool before all others, and of those that were added
// as many as there are slots for now; who was added is known to `from`, the pool of the running
// configuration or the upstream's own. The first gives them their places in a pool that is new. The
// second, once all are there, takes the others out, and one warning names them.
void seat_servers(Upstream& upstream, const Pool& from, ngx_log_t& log) noexcept;
void leave_out_surplus(Upstream& upstream, const Pool& from, ngx_log_t& log) noexcept;
// That warning, of so many.
void tell_left_out(const Upstream& upstream, std::size_t n, std::string_view names,
                   ngx_log_t& log) noexcept;
// As many as may be added.
std::size_t slots_of(const Upstream& upstream) noexcept;

// Its address, on memory that lives as long as what is sent there; nullptr when there is none left.
sockaddr* copy_address(const Server& server, ngx_pool_t& memory) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_SLOTS_H_
