#include "http/watch.h"

#include <utility>

#include "http/attempt.h"
#include "http/balancer.h"
#include "http/peers.h"
#include "shared/watching.h"

namespace leastwise::nginx {
namespace {

struct Http {
  using Attempt = nginx::Attempt;
  using Conf = UpstreamConf;
  using Block = ngx_http_upstream_srv_conf_t;
  using Line = ngx_http_upstream_server_t;
  using Peers = HttpPeers;
  static constexpr const char* kName = "http";
  static constexpr bool kNotifies = LEASTWISE_NGX_NOTIFY;

  static bool starts_anew(Attempt& attempt) noexcept { return std::exchange(attempt.stale, false); }
  static void on_notify([[maybe_unused]] Attempt& attempt, ngx_peer_connection_t&,
                        [[maybe_unused]] ngx_uint_t type) noexcept {
#if LEASTWISE_NGX_NOTIFY
    if (type == NGX_HTTP_UPSTREAM_NOTIFY_HEADER) on_first_byte(attempt);
#endif
  }
};

ngx_int_t init_peer(ngx_http_request_t* r, ngx_http_upstream_srv_conf_t* us) noexcept {
  UpstreamConf& conf = conf_of(us);
  const ngx_int_t rc = conf.method(r, us);
  if (rc == NGX_OK) Watching<Http>::begin(r->upstream->peer, make_attempt(r, conf), *r->pool);
  return rc;
}

}  // namespace

bool watch(ngx_conf_t* cf, UpstreamConf& conf, ngx_http_upstream_srv_conf_t& block) noexcept {
  return Watching<Http>::set_up(cf, conf, block, init_peer);
}

}  // namespace leastwise::nginx
