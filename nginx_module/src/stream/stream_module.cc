// The module as nginx sees it.
//
//   configuration  directives.cc     -> Config, and the method of the upstream (balancer.cc)
//   start, reload  shared/zone.cc    -> Pool::create, attach or migrate
//                  shared/worker.cc  -> servers into the pool; each worker's Picker and timer
//                  probe/prober.cc   -> who probes
//   session        balancer.cc       -> Picker::pick, answered and release, or finish
//   asked          status.cc, variables.cc
#include <new>

#include "probe/prober.h"
#include "shared/directives.h"
#include "shared/script.h"
#include "shared/worker.h"
#include "stream/attempt.h"
#include "stream/balancer.h"
#include "stream/conf.h"
#include "stream/directives.h"
#include "stream/ngx.h"
#include "stream/peers.h"
#include "stream/proxy.h"
#include "stream/variables.h"
#include "stream/watch.h"

namespace leastwise::nginx {

ngx_module_t& own_module = ngx_stream_leastwise_module;

UpstreamConf& conf_of(ngx_stream_upstream_srv_conf_t* block) noexcept {
  return *static_cast<UpstreamConf*>(
      ngx_stream_conf_upstream_srv_conf(block, ngx_stream_leastwise_module));
}

namespace {

void* create_conf(ngx_conf_t* cf) noexcept {
  void* memory = ngx_pcalloc(cf->pool, sizeof(UpstreamConf));
  return memory == nullptr ? nullptr : new (memory) UpstreamConf{};
}

char* check_upstreams(ngx_conf_t* cf, void*) noexcept {
  const auto* main = static_cast<ngx_stream_upstream_main_conf_t*>(
      ngx_stream_conf_get_module_main_conf(cf, ngx_stream_upstream_module));
  auto** upstreams = static_cast<ngx_stream_upstream_srv_conf_t**>(main->upstreams.elts);
  for (ngx_uint_t i = 0; i < main->upstreams.nelts; ++i) {
    // An address in proxy_pass is an upstream as well, one without a block.
    if (upstreams[i]->srv_conf == nullptr) continue;
    UpstreamConf& conf = conf_of(upstreams[i]);
    if (!use_script(cf, conf, upstreams[i]->host)) return conf_error();
    if (!is_used(cf, conf, upstreams[i]->host)) return conf_error();
    if (!watch(cf, conf, *upstreams[i])) return conf_error();
  }
  return NGX_CONF_OK;
}

// A global as nginx's filters have it: functions, the same in every configuration.
ngx_stream_filter_pt next_filter;

ngx_int_t filter(ngx_stream_session_t* s, ngx_chain_t* in, ngx_uint_t from_upstream) noexcept {
  Attempt* attempt = find_attempt(s);
  if (attempt != nullptr && !on_data(*attempt, in, from_upstream != 0)) return NGX_ERROR;
  return next_filter(s, in, from_upstream);
}

ngx_int_t add_filter(ngx_conf_t*) noexcept {
  find_proxy_settings();
  next_filter = ngx_stream_top_filter;
  ngx_stream_top_filter = filter;
  return NGX_OK;
}

ngx_int_t start_master(ngx_cycle_t* cycle) noexcept { return init_module(*cycle, stream_kind); }
ngx_int_t start_worker(ngx_cycle_t* cycle) noexcept {
  const ngx_int_t rc = init_process(*cycle, stream_kind);
  start_probes(*cycle);
  return rc;
}
void end_worker(ngx_cycle_t* cycle) noexcept {
  stop_probes();
  exit_process(*cycle, stream_kind);
}

ngx_stream_module_t context = {
    add_variables,    // before the configuration is read
    add_filter,       // after it
    nullptr,          // create main configuration
    check_upstreams,  // init main configuration
    create_conf,      // create server configuration
    nullptr,          // merge server configuration
};

}  // namespace
}  // namespace leastwise::nginx

extern "C" {
ngx_module_t ngx_stream_leastwise_module = {NGX_MODULE_V1,
                                            &leastwise::nginx::context,
                                            leastwise::nginx::commands(),
                                            NGX_STREAM_MODULE,
                                            nullptr,  // init master
                                            leastwise::nginx::start_master,
                                            leastwise::nginx::start_worker,
                                            nullptr,  // init thread
                                            nullptr,  // exit thread
                                            leastwise::nginx::end_worker,
                                            nullptr,  // exit master
                                            NGX_MODULE_V1_PADDING};
}
