#include "shared/directives.h"

#include <array>

#include "http/balancer.h"
#include "shared/conf.h"
#include "leastwise/config.h"
#include "http/status.h"

namespace leastwise::nginx {
namespace {

constexpr std::size_t kOwn = 2;  // leastwise_zone, leastwise_status
constexpr std::size_t kMost = 32;
constexpr std::uint32_t kZoneSeen = 1U << 31;

Place here(const ngx_conf_t* cf) noexcept {
  if (cf->conf_file == nullptr) return {to_ngx("the command line"), 0};
  return {cf->conf_file->file.name, cf->conf_file->line};
}

const ngx_str_t* words_of(const ngx_conf_t* cf) noexcept {
  return static_cast<const ngx_str_t*>(cf->args->elts);
}

// True when this directive stands in the block for the first time.
bool note(const ngx_conf_t* cf, UpstreamConf& conf, std::uint32_t bit) noexcept {
  if (conf.seen == 0) {
    conf.first_name = words_of(cf)[0];
    conf.first = here(cf);
  }
  if ((conf.seen & bit) != 0) return false;
  conf.seen |= bit;
  return true;
}

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

// One setter for all of the core's directives: its table says what each one means.
char* set_directive(ngx_conf_t* cf, ngx_command_t* command, void* data) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(data);
  const auto& directive = *static_cast<const Directive*>(command->post);
  const auto position = static_cast<std::uint32_t>(&directive - directives().data());
  if (!note(cf, conf, 1U << position)) return conf_duplicate();
  if (directive.field == Field(&Config::policy)) balance(cf, conf);
  if (cf->args->nelts < 2) return NGX_CONF_OK;

  const ngx_str_t* words = words_of(cf);
  if (const Status s = set(conf.config, directive, view(words[1])); !s.ok()) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %s", &words[0], s.message());
    return conf_error();
  }
  if (directive.field == Field(&Config::route)) return compile(cf, conf.route);
  if (directive.field == Field(&Config::key)) return compile(cf, conf.key);
  return NGX_CONF_OK;
}

bool is_zone_name(std::string_view name) noexcept {
  const auto allowed = [](char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  for (const char c : name) {
    if (!allowed(c)) return false;
  }
  // The names of default zones begin so.
  return !name.empty() && !name.starts_with("leastwise_");
}

// The upstream that has a zone of this name, nullptr if none has.
const ngx_http_upstream_srv_conf_t* owner_of(ngx_conf_t* cf, std::string_view zone) noexcept {
  const auto* main = static_cast<ngx_http_upstream_main_conf_t*>(
      ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module));
  auto** upstreams = static_cast<ngx_http_upstream_srv_conf_t**>(main->upstreams.elts);
  for (ngx_uint_t i = 0; i < main->upstreams.nelts; ++i) {
    if (upstreams[i]->srv_conf == nullptr) continue;
    if (view(conf_of(upstreams[i]).zone_name) == zone) return upstreams[i];
  }
  return nullptr;
}

char* set_zone(ngx_conf_t* cf, ngx_command_t*, void* data) noexcept {
  auto& conf = *static_cast<UpstreamConf*>(data);
  if (!note(cf, conf, kZoneSeen)) return conf_duplicate();
  const ngx_str_t* words = words_of(cf);
  if (!is_zone_name(view(words[1]))) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid zone name \"%V\": expected letters, digits, \"_\", \"-\" "
                       "and \".\", not beginning with \"leastwise_\"",
                       &words[0], &words[1]);
    return conf_error();
  }
  if (const auto* other = owner_of(cf, view(words[1])); other != nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": zone \"%V\" is that of upstream \"%V\": expected another name",
                       &words[0], &words[1], &other->host);
    return conf_error();
  }
  ngx_str_t text = words[2];
  const ssize_t size = ngx_parse_size(&text);
  if (size <= 0) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid zone size \"%V\": expected bytes, or a number with k or m",
                       &words[0], &words[2]);
    return conf_error();
  }
  conf.zone_name = words[1];
  conf.zone_size = static_cast<std::size_t>(size);
  conf.zone_place = here(cf);
  return NGX_CONF_OK;
}

// leastwise for the policy, leastwise_NAME for the others; the text lives as long as the
// module is loaded.
ngx_str_t command_name(const Directive& d, std::array<u_char, 48>& text) noexcept {
  if (d.field == Field(&Config::policy)) return to_ngx("leastwise");
  u_char* end =
      ngx_snprintf(text.data(), text.size(), "leastwise_%*s", d.name.size(), d.name.data());
  return {static_cast<std::size_t>(end - text.data()), text.data()};
}

}  // namespace

ngx_command_t* commands() noexcept {
  static std::array<std::array<u_char, 48>, kMost> names;
  static std::array<ngx_command_t, kMost> table;
  std::size_t n = 0;
  for (const Directive& d : directives()) {
    if (n + kOwn + 1 == kMost) break;
    const bool is_policy = d.field == Field(&Config::policy);
    const ngx_uint_t arguments = is_policy ? NGX_CONF_NOARGS | NGX_CONF_TAKE1 : NGX_CONF_TAKE1;
    table[n] = {command_name(d, names[n]), NGX_HTTP_UPS_CONF | arguments, set_directive,
                NGX_HTTP_SRV_CONF_OFFSET, 0,
                // nginx hands it back to set_directive, which only reads it.
                const_cast<Directive*>(&d)};
    ++n;
  }
  table[n++] = {to_ngx("leastwise_zone"),
                NGX_HTTP_UPS_CONF | NGX_CONF_TAKE2,
                set_zone,
                NGX_HTTP_SRV_CONF_OFFSET,
                0,
                nullptr};
  table[n++] = {to_ngx("leastwise_status"),
                NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
                set_status,
                NGX_HTTP_LOC_CONF_OFFSET,
                0,
                nullptr};
  table[n] = ngx_null_command;
  return table.data();
}

}  // namespace leastwise::nginx
