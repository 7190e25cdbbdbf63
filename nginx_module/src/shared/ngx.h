// The only place that includes nginx's headers, and knows what its versions differ in.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_NGX_H_
#define LEASTWISE_NGINX_MODULE_SHARED_NGX_H_

// Standard headers first: nginx's include some of them inside extern "C".
#include <ctime>

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

extern ngx_module_t ngx_http_leastwise_module;
}

#include "leastwise/clock.h"

// Servers that come and go at run time (`resolve`): lists have a generation, peers a count
// of users.
#if (NGX_HTTP_UPSTREAM_ZONE && nginx_version >= 1027003)
#define LEASTWISE_NGX_RESOLVE 1
#else
#define LEASTWISE_NGX_RESOLVE 0
#endif

// nginx itself tells the balancer of the first byte; before, a header filter has to.
#ifdef NGX_HTTP_UPSTREAM_NOTIFY_HEADER
#define LEASTWISE_NGX_NOTIFY 1
#else
#define LEASTWISE_NGX_NOTIFY 0
#endif

namespace leastwise::nginx {

using PeerData = ngx_http_upstream_rr_peer_data_t;
using Peers = ngx_http_upstream_rr_peers_t;
using Peer = ngx_http_upstream_rr_peer_t;

inline std::string_view view(const ngx_str_t& s) noexcept {
  return {reinterpret_cast<const char*>(s.data), s.len};
}

inline ngx_str_t to_ngx(std::string_view s) noexcept {
  // nginx's strings are never const, but what is written in a constant is only read.
  return {s.size(), reinterpret_cast<u_char*>(const_cast<char*>(s.data()))};
}

// What a directive's setter returns after it has logged the error itself.
inline char* conf_error() noexcept { return static_cast<char*>(NGX_CONF_ERROR); }
inline char* conf_duplicate() noexcept { return const_cast<char*>("is duplicate"); }

// nginx's own clock has milliseconds, too coarse for servers next door, and stands still
// during a turn of its event loop.
inline TimePoint now() noexcept {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return TimePoint(Duration(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000));
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_NGX_H_
