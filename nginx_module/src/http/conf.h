// Conf: what http keeps of each upstream{} block beside what Upstream has.
#ifndef LEASTWISE_NGINX_MODULE_HTTP_CONF_H_
#define LEASTWISE_NGINX_MODULE_HTTP_CONF_H_

#include "http/ngx.h"
#include "shared/upstream.h"

namespace leastwise::nginx {

struct UpstreamConf : Upstream {
  ngx_http_complex_value_t* route = nullptr;  // nullptr: by route.h
  ngx_http_complex_value_t* key = nullptr;    // nullptr: the client's address
  ngx_http_upstream_srv_conf_t* block = nullptr;
  ngx_http_upstream_init_peer_pt method = nullptr;  // nginx's own, while we only watch
};

UpstreamConf& conf_of(ngx_http_upstream_srv_conf_t* block) noexcept;

// nginx's own record of the upstream{} that is being read.
inline ngx_http_upstream_srv_conf_t& block_of(ngx_conf_t* cf) noexcept {
  return *static_cast<ngx_http_upstream_srv_conf_t*>(
      ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module));
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_HTTP_CONF_H_
