// Watch: `leastwise_observe on`, where another method chooses and Leastwise looks on:
// shared/watching.h.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_WATCH_H_
#define LEASTWISE_NGINX_MODULE_STREAM_WATCH_H_

#include "stream/conf.h"
#include "stream/ngx.h"

namespace leastwise::nginx {

// Of an upstream{} that has the directive, once nginx has set its method up: in whichever order the
// two stood. False when it can not begin; the error is logged.
bool watch(ngx_conf_t* cf, UpstreamConf& conf, ngx_stream_upstream_srv_conf_t& block) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_WATCH_H_
