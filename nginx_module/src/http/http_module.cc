// The module as nginx sees it.
//
//   configuration  directives.cc     -> Config, and the method of the upstream (balancer.cc)
//   start, reload  shared/zone.cc    -> Pool::create, attach or migrate
//                  shared/worker.cc  -> servers into the pool; each worker's Picker and timer
//                  probe/prober.cc   -> who probes
//   request        balancer.cc       -> Picker::pick and finish
//                  prompt.cc         -> its body's prompt, for that; when the answer's first token
//                  comes
//   asked          status.cc, variables.cc, control.cc -> control/
#include <new>

#include "http/attempt.h"
#include "http/balancer.h"
#include "http/conf.h"
#include "http/directives.h"
#include "http/load_report.h"
#include "http/ngx.h"
#include "http/peers.h"
#include "http/prompt.h"
#include "http/status.h"
#include "http/variables.h"
#include "http/watch.h"
#include "probe/prober.h"
#include "shared/directives.h"
#include "shared/script.h"
#include "shared/worker.h"

namespace leastwise::nginx {

ngx_module_t& own_module = ngx_http_leastwise_module;

UpstreamConf& conf_of(ngx_http_upstream_srv_conf_t* block) noexcept {
  return *static_cast<UpstreamConf*>(
      ngx_http_conf_upstream_srv_conf(block, ngx_http_leastwise_module));
}

namespace {

template <typename Conf>
void* create_conf(ngx_conf_t* cf) noexcept {
  void* memory = ngx_pcalloc(cf->pool, sizeof(Conf));
  return memory == nullptr ? nullptr : new (memory) Conf{};
}

char* check_upstreams(ngx_conf_t* cf, void*) noexcept {
  const auto* main = static_cast<ngx_http_upstream_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module));
  auto** upstreams = static_cast<ngx_http_upstream_srv_conf_t**>(main->upstreams.elts);
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
ngx_http_output_header_filter_pt next_header_filter;

ngx_int_t header_filter(ngx_http_request_t* r) noexcept {
  auto* attempt = static_cast<Attempt*>(ngx_http_get_module_ctx(r, ngx_http_leastwise_module));
  if (attempt != nullptr) {
#if !LEASTWISE_NGX_NOTIFY
    on_first_byte(*attempt);
#endif
    // Who only watches changes nothing.
    const UpstreamConf& conf = *attempt->conf;
    if (conf.config.report.is_on() && !conf.watches) hide_report(*r);
    begin_listening(*attempt);
  }
  return next_header_filter(r);
}

ngx_int_t add_filters(ngx_conf_t*) noexcept {
  next_header_filter = ngx_http_top_header_filter;
  ngx_http_top_header_filter = header_filter;
  add_body_filters();
  return NGX_OK;
}

char* merge_location(ngx_conf_t*, void* outer, void* inner) noexcept {
  auto& body = static_cast<LocationConf*>(inner)->body;
  if (!body) body = static_cast<const LocationConf*>(outer)->body;
  return NGX_CONF_OK;
}

ngx_int_t start_master(ngx_cycle_t* cycle) noexcept { return init_module(*cycle, http_kind); }
ngx_int_t start_worker(ngx_cycle_t* cycle) noexcept {
  const ngx_int_t rc = init_process(*cycle, http_kind);
  start_probes(*cycle);
  return rc;
}
void end_worker(ngx_cycle_t* cycle) noexcept {
  stop_probes();
  exit_process(*cycle, http_kind);
}

ngx_http_module_t context = {
    add_variables,              // before the configuration is read
    add_filters,                // after it
    nullptr,                    // create main configuration
    check_upstreams,            // init main configuration
    create_conf<UpstreamConf>,  // create server configuration
    nullptr,                    // merge server configuration
    create_conf<LocationConf>,  // create location configuration
    merge_location,             // merge location configuration
};

}  // namespace
}  // namespace leastwise::nginx

extern "C" {
ngx_module_t ngx_http_leastwise_module = {NGX_MODULE_V1,
                                          &leastwise::nginx::context,
                                          leastwise::nginx::commands(),
                                          NGX_HTTP_MODULE,
                                          nullptr,  // init master
                                          leastwise::nginx::start_master,
                                          leastwise::nginx::start_worker,
                                          nullptr,  // init thread
                                          nullptr,  // exit thread
                                          leastwise::nginx::end_worker,
                                          nullptr,  // exit master
                                          NGX_MODULE_V1_PADDING};
}
