// Conf: what the module keeps of each upstream{} block, for as long as nginx keeps that
// configuration. Nothing here is in a global: between two reloads two of these live side
// by side, each found from its own cycle.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_CONF_H_
#define LEASTWISE_NGINX_MODULE_SHARED_CONF_H_

#include "shared/ngx.h"

#include "leastwise/config.h"
#include "leastwise/pool.h"
#include "shared/worker.h"

namespace leastwise::nginx {

// Where a directive stood, for errors that show only after the whole block was read.
struct Place {
  ngx_str_t file;
  ngx_uint_t line;
};

struct UpstreamConf {
  Config config;
  bool enabled = false;    // the block has `leastwise`
  std::uint32_t seen = 0;  // directives that were set, by position
  ngx_str_t first_name{};  // of the first of them
  Place first{};
  ngx_http_complex_value_t* route = nullptr;  // nullptr: method and first path segment
  ngx_http_complex_value_t* key = nullptr;    // nullptr: the client's address
  ngx_str_t zone_name{};                      // of leastwise_zone
  std::size_t zone_size = 0;
  Place zone_place{};

  ngx_http_upstream_srv_conf_t* upstream = nullptr;
  ngx_shm_zone_t* zone = nullptr;
  Pool pool;      // from when shared memory exists
  Worker worker;  // this process's part; the fork gives each its own copy
};

UpstreamConf& conf_of(ngx_http_upstream_srv_conf_t* upstream) noexcept;

// nullptr when the configuration has no http{}.
ngx_http_upstream_main_conf_t* upstreams_of(ngx_cycle_t* cycle) noexcept;

// Calls visit(UpstreamConf&) for each upstream that we balance.
template <typename Visit>
void for_each_upstream(ngx_http_upstream_main_conf_t* main, Visit visit) noexcept {
  if (main == nullptr) return;
  auto** upstreams = static_cast<ngx_http_upstream_srv_conf_t**>(main->upstreams.elts);
  for (ngx_uint_t i = 0; i < main->upstreams.nelts; ++i) {
    // An address in proxy_pass is an upstream as well, one without a block.
    if (upstreams[i]->srv_conf == nullptr) continue;
    UpstreamConf& conf = conf_of(upstreams[i]);
    if (conf.pool) visit(conf);
  }
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_CONF_H_
