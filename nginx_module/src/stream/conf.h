// Conf: what stream keeps of each upstream{} block beside what Upstream has. nginx has no other
// kind of block there, so a server{} is one, too, of which only `status` is used.
#ifndef LEASTWISE_NGINX_MODULE_STREAM_CONF_H_
#define LEASTWISE_NGINX_MODULE_STREAM_CONF_H_

#include "shared/page.h"
#include "shared/upstream.h"
#include "stream/ngx.h"

namespace leastwise::nginx {

struct UpstreamConf : Upstream {
  ngx_stream_complex_value_t* route = nullptr;  // nullptr: sessions are not told apart
  ngx_stream_complex_value_t* key = nullptr;    // nullptr: the client's address
  ngx_stream_upstream_srv_conf_t* block = nullptr;
  ngx_stream_upstream_init_peer_pt method = nullptr;  // nginx's own, while we only watch
  // This process saw a server of it answer: silence means something. Logs and metrics, say, are
  // sent one way.
  bool answers = false;
  StatusFormat status = StatusFormat::kNone;  // of a server{}
};

UpstreamConf& conf_of(ngx_stream_upstream_srv_conf_t* block) noexcept;

// nginx's own record of the upstream{} that is being read.
inline ngx_stream_upstream_srv_conf_t& block_of(ngx_conf_t* cf) noexcept {
  return *static_cast<ngx_stream_upstream_srv_conf_t*>(
      ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_upstream_module));
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STREAM_CONF_H_
