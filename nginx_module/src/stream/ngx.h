// The only place that includes nginx's stream headers, and knows what its versions differ in.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_NGX_H_
#define LEASTWISE_NGINX_MODULE_STREAM_NGX_H_

#include "shared/ngx.h"

extern "C" {
#include <ngx_stream.h>

extern ngx_module_t ngx_stream_leastwise_module;
extern ngx_module_t ngx_stream_proxy_module;
}

// Servers that come and go at run time (`resolve`): lists have a generation, peers a count
// of users.
#if (NGX_STREAM_UPSTREAM_ZONE && nginx_version >= 1027003)
#define LEASTWISE_NGX_RESOLVE 1
#else
#define LEASTWISE_NGX_RESOLVE 0
#endif

#endif  // LEASTWISE_NGINX_MODULE_STREAM_NGX_H_
