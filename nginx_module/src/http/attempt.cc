#include "http/attempt.h"

#include <new>

#include "http/balancer.h"
#include "http/prompt.h"
#include "http/route_and_key.h"

namespace leastwise::nginx {
namespace {

// Its address also marks the attempts among a pool's handlers.
void end(void* attempt) noexcept { settle(*static_cast<Attempt*>(attempt)); }

}  // namespace

Attempt* make_attempt(ngx_http_request_t* r, UpstreamConf& conf) noexcept {
  Attempt* earlier = find_attempt(r);
  if (earlier != nullptr) settle(*earlier);
  void* memory = ngx_palloc(r->pool, sizeof(Attempt));
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, 0);
  if (memory == nullptr || cleanup == nullptr) return nullptr;

  auto* attempt = new (memory) Attempt{};
  attempt->request = r;
  attempt->upstream = r->upstream;
  attempt->conf = &conf;
  attempt->earlier = earlier;
  set_route(*attempt);
  attempt->key = key_of(r, conf);
  attempt->prompt = prompt_of(r);
  cleanup->handler = end;
  cleanup->data = attempt;
  ngx_http_set_ctx(r, attempt, ngx_http_leastwise_module);
  return attempt;
}

Attempt* find_attempt(ngx_http_request_t* r) noexcept {
  auto* attempt = static_cast<Attempt*>(ngx_http_get_module_ctx(r, ngx_http_leastwise_module));
  if (attempt != nullptr || !(r->internal || r->filter_finalize)) return attempt;
  // An internal redirect (error_page, X-Accel-Redirect) has cleared the contexts. The pool
  // is shared by the subrequests.
  for (ngx_pool_cleanup_t* c = r->pool->cleanup; c != nullptr; c = c->next) {
    if (c->handler != end) continue;
    attempt = static_cast<Attempt*>(c->data);
    if (attempt->request == r) return attempt;
  }
  return nullptr;
}

Try* new_try(Attempt& attempt) noexcept {
  if (attempt.last == nullptr) return &attempt.first;
  void* memory = ngx_palloc(attempt.request->pool, sizeof(Try));
  return memory == nullptr ? nullptr : new (memory) Try{};
}

void append_try(Attempt& attempt, Try& added) noexcept {
  if (attempt.last != nullptr) attempt.last->next = &added;
  attempt.last = &added;
  if (attempt.tried == nullptr) attempt.tried = &added;
}

}  // namespace leastwise::nginx
