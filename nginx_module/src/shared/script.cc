#include "shared/script.h"

#include <cstring>
#include <string>

#include "lua/load.h"
#include "shared/directives.h"
#include "shared/hash.h"

namespace leastwise::nginx {
namespace {

void end(void* script) noexcept { delete static_cast<lua::Script*>(script); }

bool is_refused(ngx_conf_t* cf, const Upstream& upstream, const ngx_str_t& name,
                const char* other) noexcept {
  ngx_log_error(
      NGX_LOG_EMERG, cf->log, 0,
      "\"leastwise_lua\" chooses by a script, and %s: take one of the two out of upstream "
      "\"%V\" in %V:%ui",
      other, &name, &upstream.scripted.file, upstream.scripted.line);
  return false;
}

}  // namespace

char* read_script(ngx_conf_t* cf, Upstream& upstream) noexcept {
  ngx_str_t name = words_of(cf)[1];
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(cf->pool, 0);
  if (cleanup == nullptr || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) return conf_error();
  std::string error;
  upstream.script = lua::load_script(view(name), error).release();
  if (upstream.script == nullptr) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"leastwise_lua\": %s",
                       error.empty() ? "no memory" : error.c_str());
    return conf_error();
  }
  cleanup->handler = end;
  cleanup->data = upstream.script;
  if (cf->conf_file != nullptr) {
    upstream.scripted = {cf->conf_file->file.name, cf->conf_file->line};
  }
  return NGX_CONF_OK;
}

bool use_script(ngx_conf_t* cf, Upstream& upstream, const ngx_str_t& name) noexcept {
  if (upstream.script == nullptr) return true;
  if (upstream.config.observe) {
    return is_refused(cf, upstream, name, "\"leastwise_observe on\" leaves the choice to nginx");
  }
  const Policy* scripted = upstream.script->policy();
  if (scripted == nullptr) return true;  // it tells routes or keys
  if (upstream.config.policy != nullptr && upstream.config.policy != policies().front()) {
    return is_refused(cf, upstream, name, "\"leastwise\" has a policy for that");
  }
  upstream.config.policy = scripted;
  return true;
}

void tick_script(Upstream& upstream) noexcept {
  const TimePoint at = now();
  upstream.script->tick(at);
  lua::Script::News news;
  if (!upstream.script->news(at, news)) return;
  ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                "\"leastwise_lua\" of upstream \"%V\" failed, and \"adaptive\" chose in its place: "
                "%*s (%uL times in this process; told once a minute)",
                &upstream.shown_name, news.error.size(), news.error.data(), news.faults);
}

std::uint64_t told(lua::Script& script, lua::Call call, std::uint64_t otherwise, ngx_pool_t& memory,
                   std::string_view& text) noexcept {
  std::string_view said;
  if (!script.has(call) || !script.tell(call, now(), said)) return otherwise;
  auto* copy = static_cast<char*>(ngx_pnalloc(&memory, said.size()));
  if (copy == nullptr) return otherwise;
  std::memcpy(copy, said.data(), said.size());
  text = {copy, said.size()};
  return hash_of(text, 0);
}

}  // namespace leastwise::nginx
