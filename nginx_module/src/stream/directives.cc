#include "stream/directives.h"

#include "probe/prober.h"
#include "shared/directives.h"
#include "shared/script.h"
#include "shared/slots.h"
#include "stream/balancer.h"
#include "stream/conf.h"
#include "stream/status.h"

namespace leastwise::nginx {
namespace {

char* compile(ngx_conf_t* cf, ngx_stream_complex_value_t*& out) noexcept {
  out = static_cast<ngx_stream_complex_value_t*>(
      ngx_pcalloc(cf->pool, sizeof(ngx_stream_complex_value_t)));
  if (out == nullptr) return conf_error();
  ngx_str_t text = words_of(cf)[1];
  ngx_stream_compile_complex_value_t task{};
  task.cf = cf;
  task.value = &text;
  task.complex_value = out;
  return ngx_stream_compile_complex_value(&task) == NGX_OK ? NGX_CONF_OK : conf_error();
}

// What is read in an answer's headers: a session has none.
bool is_of_http(const Directive& directive, std::string_view first) noexcept {
  return (directive.field == Field(&Config::report) && first != "scrape") ||
         directive.field == Field(&Config::failure);
}

char* refuse(ngx_conf_t* cf) noexcept {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                     "\"%V\" reads HTTP answers and would do nothing in \"stream\": expected in an "
                     "upstream of \"http\" only, leave it out here%s",
                     &words_of(cf)[0],
                     view(words_of(cf)[0]) == "leastwise_report"
                         ? ", or \"scrape\", a URI and what to read there"
                         : "");
  return conf_error();
}

char* refuse_report(ngx_conf_t* cf) noexcept {
  ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                     "\"%V\": invalid value \"%V\": expected static or speed in \"stream\", "
                     "where servers send no load reports, or \"leastwise_report scrape\" before it",
                     &words_of(cf)[0], &words_of(cf)[1]);
  return conf_error();
}

char* set_directive(ngx_conf_t* cf, ngx_command_t* command, void* data) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(data);
  const Directive& directive = directive_of(*command);
  if (is_of_http(directive, view(words_of(cf)[1]))) return refuse(cf);
  const bool first = !conf.enabled;
  conf.name = block_of(cf).host;
  if (char* rc = set_value(cf, directive, conf); rc != NGX_CONF_OK) return rc;
  if (first && conf.enabled) balance(cf);
  if (directive.field == Field(&Config::probe)) return check_probe(cf, conf);
  if (directive.field == Field(&Config::lua)) return read_script(cf, conf);
  if (directive.field == Field(&Config::report)) return check_scrape(cf, conf);
  if (directive.field == Field(&Config::route)) return compile(cf, conf.route);
  if (directive.field == Field(&Config::key)) return compile(cf, conf.key);
  const bool needs_scrape = conf.config.demand == Demand::kReport && !conf.config.scrape.is_on();
  return needs_scrape ? refuse_report(cf) : NGX_CONF_OK;
}

// The upstream that has a zone of this name, nullptr if none has.
const UpstreamConf* owner_of(ngx_conf_t* cf, std::string_view zone) noexcept {
  const auto* main = static_cast<ngx_stream_upstream_main_conf_t*>(
      ngx_stream_conf_get_module_main_conf(cf, ngx_stream_upstream_module));
  auto** upstreams = static_cast<ngx_stream_upstream_srv_conf_t**>(main->upstreams.elts);
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
  table.add_directives(NGX_STREAM_UPS_CONF, set_directive, NGX_STREAM_SRV_CONF_OFFSET);
  table.add("leastwise_slots", NGX_STREAM_UPS_CONF | NGX_CONF_TAKE1, read_slots,
            NGX_STREAM_SRV_CONF_OFFSET);
  table.add("leastwise_state", NGX_STREAM_UPS_CONF | NGX_CONF_TAKE1, read_state,
            NGX_STREAM_SRV_CONF_OFFSET);
  table.add("leastwise_zone", NGX_STREAM_UPS_CONF | NGX_CONF_TAKE2, read_zone,
            NGX_STREAM_SRV_CONF_OFFSET);
  table.add("leastwise_status", NGX_STREAM_SRV_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1, set_status,
            NGX_STREAM_SRV_CONF_OFFSET);
  return table.data();
}

}  // namespace leastwise::nginx
