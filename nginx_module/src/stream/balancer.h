// Balancer: nginx's peer callbacks.
//
//   peer.init     Attempt on the connection's pool
//   peer.get      Picker::pick
//   peer.notify   connected
//   filter        the first bytes that go to the server and come from it, stamped; then
//                 Picker::answered, if the session goes on
//   peer.free     classify, Picker::finish or release
//   end           Picker::settle, unless it was known before that no try would follow
//
// A session counts in flight while it lasts. What it teaches is known at its first byte, which may
// be hours before.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_BALANCER_H_
#define LEASTWISE_NGINX_MODULE_STREAM_BALANCER_H_

#include "stream/attempt.h"
#include "stream/conf.h"
#include "stream/ngx.h"

namespace leastwise::nginx {

// Makes `leastwise` the method of the upstream{} that is being read.
void balance(ngx_conf_t* cf) noexcept;

// What a pick is told of the attempt.
leastwise::Request request_of(const Attempt& attempt) noexcept;

// A try has been sent to a server, was connected to it, and nginx has taken it back with that
// state.
void begin_try(Attempt& attempt, Try& added, const Ticket& ticket) noexcept;
void on_connected(Attempt& attempt, const ngx_peer_connection_t& pc) noexcept;
void end_try(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept;

// nginx passes data on, `in`, from the server or to it. False when the session is to end, since its
// server refuses datagrams: nginx would keep it for as long as the client sends, and never read an
// answer again. The client's next datagram begins another session.
bool on_data(Attempt& attempt, const ngx_chain_t* in, bool from_server) noexcept;

// No try is to follow: failures that waited for one are blamed on servers or on the session. Any
// further call does nothing.
void settle(Attempt& attempt) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_BALANCER_H_
