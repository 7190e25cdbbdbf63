// Route and key: what requests are told apart by, and what keeps a client on one server.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_ROUTE_AND_KEY_H_
#define LEASTWISE_NGINX_MODULE_HTTP_ROUTE_AND_KEY_H_

#include <cstdint>

#include "http/attempt.h"
#include "http/conf.h"
#include "http/ngx.h"

namespace leastwise::nginx {

// By `leastwise_route`, not told apart when the expression is empty; without it by route.h.
void set_route(Attempt& attempt) noexcept;

// Hash of `leastwise_key`, without it of the client's address; where keys are looked at,
// 0 elsewhere and when the expression is empty.
std::uint64_t key_of(ngx_http_request_t* r, const UpstreamConf& conf) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_ROUTE_AND_KEY_H_
