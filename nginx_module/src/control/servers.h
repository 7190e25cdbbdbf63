// Servers: what control does to the servers of an upstream. Every worker goes by it from its next
// pick on, since all of it is in the pool's shared memory.
#ifndef LEASTWISE_NGINX_MODULE_CONTROL_SERVERS_H_
#define LEASTWISE_NGINX_MODULE_CONTROL_SERVERS_H_

#include <string_view>

#include "control/answer.h"
#include "control/body.h"
#include "control/target.h"
#include "shared/ngx.h"

namespace leastwise::nginx {

using namespace control;  // what both front ends say and are told

struct Upstream;

// The server of that number, or why there is none.
Refusal find_server(const Upstream& upstream, std::uint32_t number, EndpointId& out) noexcept;

// Each says in the log what it did.
Refusal change_server(Upstream& upstream, EndpointId id, const Body& body, ngx_log_t& log) noexcept;
// Literal addresses only. The new one takes its share once the workers picked next.
Refusal add_server(Upstream& upstream, const Body& body, ngx_pool_t& memory,
                   EndpointId& out) noexcept;
// What is in flight there ends well.
Refusal remove_server(Upstream& upstream, EndpointId id, ngx_log_t& log) noexcept;
Refusal act_on_server(Upstream& upstream, EndpointId id, Action action, const Body& body,
                      ngx_log_t& log) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_CONTROL_SERVERS_H_
