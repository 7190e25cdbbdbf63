// Balancer: nginx's peer callbacks.
//
//   peer.init    Attempt on the request's pool
//   peer.get     Picker::pick
//   first byte   stamped; Picker::answered of what has no end of its own
//   first token  stamped; Picker::answered of a model server's event stream
//   peer.free    classify, Picker::finish or release
//   end          Picker::settle, unless it was known before that no try would follow
//
// Addresses, the number of tries and the retry itself stay nginx's round robin's. Whether a server
// may be used (down, max_conns, max_fails) is asked of the pool alone, whose counts are the same in
// all workers and heal when one of them dies.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_BALANCER_H_
#define LEASTWISE_NGINX_MODULE_HTTP_BALANCER_H_

#include "http/attempt.h"
#include "http/conf.h"
#include "http/ngx.h"

namespace leastwise::nginx {

// Makes `leastwise` the method of the upstream{} that is being read.
void balance(ngx_conf_t* cf) noexcept;

// What a pick is told of the attempt.
Request request_of(const Attempt& attempt) noexcept;

// A try has been sent to a server, and nginx has taken it back with that state.
void begin_try(Attempt& attempt, Try& added, const Ticket& ticket) noexcept;
void end_try(Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state) noexcept;

// The answer to the attempt's last try has begun. Any further call for it does nothing.
void on_first_byte(Attempt& attempt) noexcept;

// The first token of a model server's event stream is there, as of a last try that awaits_token().
void on_first_token(Attempt& attempt) noexcept;

// No try is to follow: failures that waited for one are blamed on servers or on the request. Any
// further call does nothing.
void settle(Attempt& attempt) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_BALANCER_H_
