// Observe: reads from nginx's state what classify() and the pool want to know of a session.
//
// What is learned from is how long the server took to connect, TLS included, and from then, or
// from the first of the client's data if that came later, to its own first byte. How long a session
// lasts, and how long a client takes to say something, is the client's.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_OBSERVE_H_
#define LEASTWISE_NGINX_MODULE_STREAM_OBSERVE_H_

#include "leastwise/outcome.h"
#include "stream/attempt.h"
#include "stream/ngx.h"

namespace leastwise::nginx {

// The server's part of the time until `at`, since the last try began.
Duration server_time(const Attempt& attempt, TimePoint at) noexcept;

// The outcome of the attempt's last try, at its end, when nginx takes it back with `state`.
Outcome observe(const Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state,
                TimePoint at) noexcept;

// The same of a try that goes on, after its first byte.
Outcome observe_begun(const Attempt& attempt) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_OBSERVE_H_
