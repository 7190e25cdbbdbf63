// The only place that includes nginx's http headers, and knows what its versions differ in.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_NGX_H_
#define LEASTWISE_NGINX_MODULE_HTTP_NGX_H_

#include "shared/ngx.h"

extern "C" {
#include <ngx_http.h>

extern ngx_module_t ngx_http_leastwise_module;
}

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

#endif  // LEASTWISE_NGINX_MODULE_HTTP_NGX_H_
