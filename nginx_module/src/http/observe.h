// Observe: reads from nginx's state what classify() and the pool want to know of an attempt.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_OBSERVE_H_
#define LEASTWISE_NGINX_MODULE_HTTP_OBSERVE_H_

#include "http/attempt.h"
#include "http/ngx.h"
#include "leastwise/outcome.h"

namespace leastwise::nginx {

// The outcome of the attempt's last try, when nginx takes it back with `state`.
Outcome observe(const Attempt& attempt, const ngx_peer_connection_t& pc, ngx_uint_t state,
                TimePoint at) noexcept;

// The answer that has begun has no end that is the server's own: a tunnel, an event
// stream. Its sample ends at the first byte, or hours would count as the server's time.
bool is_endless(const Attempt& attempt) noexcept;
Outcome observe_endless(const Attempt& attempt) noexcept;

bool is_event_stream(const ngx_http_upstream_t& u) noexcept;
bool is_json(const ngx_http_upstream_t& u) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_OBSERVE_H_
