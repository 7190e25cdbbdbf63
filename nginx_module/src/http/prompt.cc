#include "http/prompt.h"

#include <sys/random.h>

#include <new>
#include <utility>

#include "http/balancer.h"
#include "http/headers.h"
#include "http/observe.h"
#include "http/status.h"
#include "prompts/prompt_scanner.h"
#include "prompts/usage_scanner.h"
#include "shared/directives.h"

namespace leastwise::nginx {
namespace {

// As nginx's filters have them: functions, the same in every configuration.
ngx_http_request_body_filter_pt next_request_body_filter;
ngx_http_output_body_filter_pt next_body_filter;

// The same in all workers and over a reload, as is what they share by it: made in the master, when
// the first configuration is read.
std::uint64_t secret;

bool make_secret() noexcept {
  return secret != 0 || getrandom(&secret, sizeof secret, 0) == ssize_t{sizeof secret};
}

// The request's own, not its subrequests'.
struct Asked {
  Asked(const ngx_http_request_t& r, BodyForm form) noexcept : request(r), scanner(form, secret) {}
  const ngx_http_request_t& request;
  PromptScanner scanner;
};

// Of T's destructor; its address also marks what is a T among a pool's handlers.
template <typename T>
void destroy(void* object) noexcept {
  static_cast<T*>(object)->~T();
}

// On a pool, with which it ends; nullptr when memory ran out.
template <typename T, typename... Arguments>
T* make(ngx_pool_t& pool, Arguments&&... arguments) noexcept {
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(&pool, sizeof(T));
  if (cleanup == nullptr) return nullptr;
  T* made = new (cleanup->data) T(std::forward<Arguments>(arguments)...);
  cleanup->handler = destroy<T>;
  return made;
}

Asked* find_asked(const ngx_http_request_t& r) noexcept {
  for (const ngx_pool_cleanup_t* c = r.pool->cleanup; c != nullptr; c = c->next) {
    if (c->handler != destroy<Asked>) continue;
    auto* asked = static_cast<Asked*>(c->data);
    if (&asked->request == &r) return asked;
  }
  return nullptr;
}

// Calls read(text) for what of the chain is in memory. False when some of it is not.
template <typename Read>
bool for_each_piece(const ngx_chain_t* chain, Read read) noexcept {
  for (; chain != nullptr; chain = chain->next) {
    const ngx_buf_t& b = *chain->buf;
    if (ngx_buf_special(&b)) continue;
    if (!ngx_buf_in_memory(&b)) return false;
    read(view({static_cast<std::size_t>(b.last - b.pos), b.pos}));
  }
  return true;
}

ngx_int_t request_body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  const BodyForm form = location_conf_of(*r).body.value_or(BodyForm::kOff);
  if (form != BodyForm::kOff && r == r->main) {
    Asked* asked = find_asked(*r);
    if (asked == nullptr) asked = make<Asked>(*r->pool, *r, form);
    if (asked != nullptr) {
      for_each_piece(in, [&](std::string_view text) noexcept { asked->scanner.read(text); });
    }
  }
  return next_request_body_filter(r, in);
}

void listen(Attempt& attempt, const ngx_chain_t* in) noexcept {
  UsageScanner& scanner = *attempt.listener;
  const bool was_begun = scanner.has_begun();
  const bool is_whole =
      for_each_piece(in, [&](std::string_view text) noexcept { scanner.read(text); });
  if (!was_begun && scanner.has_begun() && awaits_token(attempt)) on_first_token(attempt);
  attempt.usage = scanner.usage();
  // nginx has put some of it into a file: what follows can not be understood.
  if (!is_whole) attempt.listener = nullptr;
}

ngx_int_t body_filter(ngx_http_request_t* r, ngx_chain_t* in) noexcept {
  auto* attempt = static_cast<Attempt*>(ngx_http_get_module_ctx(r, ngx_http_leastwise_module));
  if (attempt != nullptr && attempt->listener != nullptr && attempt->in_flight) {
    listen(*attempt, in);
  }
  return next_body_filter(r, in);
}

}  // namespace

void add_body_filters() noexcept {
  next_request_body_filter = ngx_http_top_request_body_filter;
  ngx_http_top_request_body_filter = request_body_filter;
  next_body_filter = ngx_http_top_body_filter;
  ngx_http_top_body_filter = body_filter;
}

const Prompt* prompt_of(ngx_http_request_t* r) noexcept {
  if (location_conf_of(*r).body.value_or(BodyForm::kOff) == BodyForm::kOff) return nullptr;
  const Asked* asked = find_asked(*r);
  if (asked == nullptr || !asked->scanner.has_prompt()) return nullptr;
  void* memory = ngx_palloc(r->pool, sizeof(Prompt));
  return memory == nullptr ? nullptr : new (memory) Prompt(asked->scanner.prompt());
}

bool awaits_token(const Attempt& attempt) noexcept {
  const ngx_http_upstream_t& u = *attempt.upstream;
  return attempt.prompt != nullptr && !attempt.request->header_only &&
         u.headers_in.status_n == NGX_HTTP_OK && is_event_stream(u);
}

void begin_listening(Attempt& attempt) noexcept {
  if (attempt.prompt == nullptr || !attempt.in_flight || attempt.listener != nullptr) return;
  const ngx_http_upstream_t& u = *attempt.upstream;
  const bool is_stream = is_event_stream(u);
  if (!is_stream && !is_json(u)) return;
  // What is compressed is not read, though when it began can be told.
  if (find_header(u.headers_in.headers, "Content-Encoding") != nullptr && !is_stream) return;
  attempt.listener =
      make<UsageScanner>(*attempt.request->pool,
                         is_stream ? UsageScanner::Form::kEventStream : UsageScanner::Form::kJson);
}

char* set_body(ngx_conf_t* cf, ngx_command_t*, void* location_conf) noexcept {
  auto& conf = *static_cast<LocationConf*>(location_conf);
  if (conf.body) return conf_duplicate();
  if (!make_secret()) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"leastwise_body\": no random numbers to be had");
    return conf_error();
  }
  const ngx_str_t& word = words_of(cf)[1];
  if (view(word) == "openai") {
    conf.body = BodyForm::kOpenAi;
  } else if (view(word) == "raw") {
    conf.body = BodyForm::kRaw;
  } else if (view(word) == "off") {
    conf.body = BodyForm::kOff;
  } else {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"leastwise_body\": invalid value \"%V\": expected openai, raw or off",
                       &word);
    return conf_error();
  }
  return NGX_CONF_OK;
}

}  // namespace leastwise::nginx
