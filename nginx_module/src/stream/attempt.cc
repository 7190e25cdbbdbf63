#include "stream/attempt.h"

#include <new>

#include "shared/hash.h"
#include "stream/balancer.h"

namespace leastwise::nginx {
namespace {

void end(void* data) noexcept {
  auto& attempt = *static_cast<Attempt*>(data);
  unpost(attempt);
  settle(attempt);
}

// Empty also when it can not be evaluated.
std::string_view value_of(ngx_stream_session_t* s, ngx_stream_complex_value_t* text) noexcept {
  ngx_str_t value;
  return ngx_stream_complex_value(s, text, &value) == NGX_OK ? view(value) : std::string_view();
}

void set_route(Attempt& attempt) noexcept {
  if (attempt.conf->route == nullptr) return;
  const std::string_view value = value_of(attempt.session, attempt.conf->route);
  attempt.route = value.empty() ? 0 : hash_of(value, 0);
  attempt.route_name = {.own = value, .family = {}};
}

std::uint64_t key_of(ngx_stream_session_t* s, const UpstreamConf& conf) noexcept {
  if (!conf.config.uses_key()) return 0;
  if (conf.key == nullptr) return hash_of(view(s->connection->addr_text), kKeySalt);
  const std::string_view value = value_of(s, conf.key);
  return value.empty() ? 0 : hash_of(value, 0);
}

}  // namespace

void unpost(Attempt& attempt) noexcept {
  if (attempt.learning.posted) {
    ngx_delete_posted_event(&attempt.learning);  // a macro of several statements
  }
}

Attempt* make_attempt(ngx_stream_session_t* s, UpstreamConf& conf) noexcept {
  ngx_pool_t* pool = s->connection->pool;
  void* memory = ngx_palloc(pool, sizeof(Attempt));
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(pool, 0);
  if (memory == nullptr || cleanup == nullptr) return nullptr;

  auto* attempt = new (memory) Attempt{};
  attempt->session = s;
  attempt->conf = &conf;
  set_route(*attempt);
  attempt->key = key_of(s, conf);
  cleanup->handler = end;
  cleanup->data = attempt;
  ngx_stream_set_ctx(s, attempt, ngx_stream_leastwise_module);
  return attempt;
}

Try* new_try(Attempt& attempt) noexcept {
  if (attempt.last == nullptr) return &attempt.first;
  void* memory = ngx_palloc(attempt.session->connection->pool, sizeof(Try));
  return memory == nullptr ? nullptr : new (memory) Try{};
}

void append_try(Attempt& attempt, Try& added) noexcept {
  if (attempt.last != nullptr) attempt.last->next = &added;
  attempt.last = &added;
  if (attempt.tried == nullptr) attempt.tried = &added;
}

}  // namespace leastwise::nginx
