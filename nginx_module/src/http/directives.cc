#include "http/directives.h"

#include "http/balancer.h"
#include "http/conf.h"
#include "http/control.h"
#include "http/prompt.h"
#include "http/status.h"
#include "probe/prober.h"
#include "shared/directives.h"
#include "shared/script.h"
#include "shared/slots.h"

namespace leastwise::nginx {
namespace {

char* compile(ngx_conf_t* cf, ngx_http_complex_value_t*& out) noexcept {
  out = static_cast<ngx_http_complex_value_t*>(
      ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t)));
  if (out == nullptr) return conf_error();
  ngx_str_t text = words_of(cf)[1];
  ngx_http_compile_complex_value_t task{};
  task.cf = cf;
  task.value = &text;
  task.complex_value = out;
  return ngx_http_compile_complex_value(&task) == NGX_OK ? NGX_CONF_OK : conf_error();
}

char* set_directive(ngx_conf_t* cf, ngx_command_t* command, void* data) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(data);
  const Directive& directive = directive_of(*command);
  const bool first = !conf.enabled;
  conf.name = block_of(cf).host;
  if (char* rc = set_value(cf, directive, conf); rc != NGX_CONF_OK) return rc;
  if (first && conf.enabled) balance(cf);
  if (directive.field == Field(&Config::probe)) return check_probe(cf, conf);
  if (directive.field == Field(&Config::lua)) return read_script(cf, conf);
  if (directive.field == Field(&Config::report)) return check_scrape(cf, conf);
  if (directive.field == Field(&Config::route)) return compile(cf, conf.route);
  if (directive.field == Field(&Config::key)) return compile(cf, conf.key);
  return NGX_CONF_OK;
}

// The upstream that has a zone of this name, nullptr if none has.
const UpstreamConf* owner_of(ngx_conf_t* cf, std::string_view zone) noexcept {
  const auto* main = static_cast<ngx_http_upstream_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module));
  auto** upstreams = static_cast<ngx_http_upstream_srv_conf_t**>(main->upstreams.elts);
  for (ngx_uint_t i = 0; i < main->upstreams.nelts; ++i) {
    if (upstreams[i]->srv_conf == nullptr) continue;
    const UpstreamConf& conf = conf_of(upstreams[i]);
    if (conf.zone_name.len != 0 && view(conf.zone_name) == zone) return &conf;
  }
  return nullptr;
}

char* read_zone(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(data);
  conf.name = block_of(cf).host;
  return set_zone(cf, conf, owner_of(cf, view(words_of(cf)[1])));
}

char* read_slots(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(data);
  conf.name = block_of(cf).host;
  return set_slots(cf, conf);
}

char* read_state(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(data);
  conf.name = block_of(cf).host;
  return set_state(cf, conf);
}

}  // namespace

ngx_command_t* commands() noexcept {
  static Commands table;
  table.add_directives(NGX_HTTP_UPS_CONF, set_directive, NGX_HTTP_SRV_CONF_OFFSET);
  table.add("leastwise_slots", NGX_HTTP_UPS_CONF | NGX_CONF_TAKE1, read_slots,
            NGX_HTTP_SRV_CONF_OFFSET);
  table.add("leastwise_state", NGX_HTTP_UPS_CONF | NGX_CONF_TAKE1, read_state,
            NGX_HTTP_SRV_CONF_OFFSET);
  table.add("leastwise_zone", NGX_HTTP_UPS_CONF | NGX_CONF_TAKE2, read_zone,
            NGX_HTTP_SRV_CONF_OFFSET);
  table.add("leastwise_status", NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE12, set_status,
            NGX_HTTP_LOC_CONF_OFFSET);
  table.add("leastwise_control", NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_control,
            NGX_HTTP_LOC_CONF_OFFSET);
  table.add("leastwise_body",
            NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, set_body,
            NGX_HTTP_LOC_CONF_OFFSET);
  return table.data();
}

}  // namespace leastwise::nginx
