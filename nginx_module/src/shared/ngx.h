// The only place that includes nginx's core headers; http/ngx.h adds those of http.
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
#include <ngx_event_connect.h>
}

#include "leastwise/clock.h"

namespace leastwise::nginx {

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
