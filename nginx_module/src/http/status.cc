#include "http/status.h"

#include <algorithm>
#include <new>

#include "leastwise/text.h"
#include "shared/directives.h"
#include "shared/page.h"

namespace leastwise::nginx {
namespace {

constexpr std::size_t kPartSize = StatusPage::kLeastRoom;
constexpr std::size_t kLooksAtOnce = 128;  // endpoints, in a turn of the event loop

// A page on its way to a client. Lives on the request's pool.
struct Delivery {
  StatusPage* page;
  StatusFormat format;
  ngx_buf_t* part = nullptr;
  const volatile ngx_cycle_t* cycle = ngx_cycle;  // whose pools it reads
  bool begun = false;
};

ngx_int_t send_header(ngx_http_request_t* r, StatusFormat format, off_t length) noexcept {
  r->headers_out.status = NGX_HTTP_OK;
  r->headers_out.content_length_n = length;
  r->headers_out.content_type = to_ngx(content_type(format));
  r->headers_out.content_type_len = r->headers_out.content_type.len;
  for (const Header& header : headers_of(format)) {
    if (!header.name.empty() && add_header(r, header.name, header.value) != NGX_OK) {
      return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
  }
  const ngx_str_t& control = location_conf_of(*r).control;
  if (control.len != 0 && format == StatusFormat::kJson &&
      add_header(r, "Leastwise-Control", view(control)) != NGX_OK) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  return ngx_http_send_header(r);
}

// Nothing to clean up: its address marks the delivery among a pool's handlers.
void mark(void*) noexcept {}

Delivery* find_delivery(ngx_http_request_t* r) noexcept {
  for (ngx_pool_cleanup_t* c = r->pool->cleanup; c != nullptr; c = c->next) {
    if (c->handler == mark) return static_cast<Delivery*>(c->data);
  }
  return nullptr;
}

Delivery* make_delivery(ngx_http_request_t* r, StatusFormat format, StatusPage* page) noexcept {
  void* memory = ngx_palloc(r->pool, sizeof(Delivery));
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(r->pool, 0);
  if (page == nullptr || memory == nullptr || cleanup == nullptr) return nullptr;
  auto* delivery = new (memory) Delivery{page, format};
  cleanup->handler = mark;
  cleanup->data = delivery;
  return delivery;
}

// An empty buffer for a part: the last one's, once it was taken.
ngx_buf_t* empty_part(ngx_http_request_t* r, Delivery& delivery) noexcept {
  ngx_buf_t* b = delivery.part;
  if (b == nullptr || b->pos != b->last) b = ngx_create_temp_buf(r->pool, kPartSize);
  if (b == nullptr) return nullptr;
  b->pos = b->last = b->start;
  delivery.part = b;
  return b;
}

// Sends the next part: NGX_AGAIN when there are others.
ngx_int_t send_part(ngx_http_request_t* r, Delivery& delivery) noexcept {
  ngx_buf_t* b = empty_part(r, delivery);
  if (b == nullptr) return NGX_ERROR;
  Text text({reinterpret_cast<char*>(b->pos), kPartSize});
  const bool more = delivery.page->render(text);
  b->last = b->pos + text.size();
  b->flush = more;
  b->last_buf = !more && r == r->main;
  b->last_in_chain = !more;
  if (!delivery.begun) {
    delivery.begun = true;
    const ngx_int_t rc = send_header(r, delivery.format, more ? -1 : b->last - b->pos);
    if (rc == NGX_ERROR || rc > NGX_OK) return rc;
    if (r->header_only) return NGX_OK;
  }
  ngx_chain_t out{b, nullptr};
  const ngx_int_t rc = ngx_http_output_filter(r, &out);
  return more && rc != NGX_ERROR ? NGX_AGAIN : rc;
}

bool is_held_up(ngx_http_request_t* r) noexcept {
  return r->buffered || r->postponed != nullptr || r->connection->buffered;
}

// Until the client took what was sent.
void wait_for_client(ngx_http_request_t* r) noexcept {
  ngx_event_t* event = r->connection->write;
  const auto& location = *static_cast<const ngx_http_core_loc_conf_t*>(
      ngx_http_get_module_loc_conf(r, ngx_http_core_module));
  if (!event->delayed) ngx_add_timer(event, location.send_timeout);
  if (ngx_handle_write_event(event, location.send_lowat) != NGX_OK) {
    ngx_http_finalize_request(r, NGX_ERROR);
  }
}

// True when there is something to do for the delivery: the client is there, and took all.
bool is_free(ngx_http_request_t* r, const Delivery& delivery) noexcept {
  ngx_event_t* event = r->connection->write;
  if (event->timedout) {
    ngx_log_error(NGX_LOG_INFO, r->connection->log, NGX_ETIMEDOUT, "client timed out");
    r->connection->timedout = 1;
    ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
    return false;
  }
  // Without a master, a reload takes the old pools away.
  if (delivery.cycle != ngx_cycle) {
    ngx_http_finalize_request(r, NGX_ERROR);
    return false;
  }
  if (!delivery.begun) return true;
  if (is_held_up(r) && !event->delayed && ngx_http_output_filter(r, nullptr) == NGX_ERROR) {
    ngx_http_finalize_request(r, NGX_ERROR);
    return false;
  }
  if (!is_held_up(r) && !event->delayed) {
    if (event->timer_set) ngx_del_timer(event);
    return true;
  }
  wait_for_client(r);
  return false;
}

// A few looks or one part, then the event loop's other work.
void go_on(ngx_http_request_t* r) noexcept {
  Delivery& delivery = *find_delivery(r);
  if (!is_free(r, delivery)) return;
  if (!delivery.page->look(kLooksAtOnce)) {
    const ngx_int_t rc = send_part(r, delivery);
    if (rc != NGX_AGAIN || !delivery.page->has_more()) return ngx_http_finalize_request(r, rc);
    if (is_held_up(r) || r->connection->write->delayed) return wait_for_client(r);
  }
  ngx_post_event(r->connection->write, &ngx_posted_next_events);
}

ngx_int_t send_at_once(ngx_http_request_t* r, Delivery& delivery) noexcept {
  ngx_int_t rc = NGX_OK;
  do {
    rc = send_part(r, delivery);
  } while (rc != NGX_ERROR && rc <= NGX_OK && !r->header_only && delivery.page->has_more());
  return rc;
}

// The live page: a text that this program holds.
ngx_int_t send_live_page(ngx_http_request_t* r) noexcept {
  ngx_str_t page = to_ngx(live_page());
  auto* b = static_cast<ngx_buf_t*>(ngx_calloc_buf(r->pool));
  if (b == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  b->pos = b->start = page.data;
  b->last = b->end = page.data + page.len;
  b->memory = 1;
  b->last_buf = r == r->main;
  b->last_in_chain = 1;
  const ngx_int_t rc = send_header(r, StatusFormat::kHtml, static_cast<off_t>(page.len));
  if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) return rc;
  ngx_chain_t out{b, nullptr};
  return ngx_http_output_filter(r, &out);
}

ngx_int_t handle(ngx_http_request_t* r) noexcept {
  if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) return NGX_HTTP_NOT_ALLOWED;
  if (const ngx_int_t rc = ngx_http_discard_request_body(r); rc != NGX_OK) return rc;
  const StatusFormat format = format_for(location_conf_of(*r).status, view(r->args));
  if (format == StatusFormat::kHtml) return send_live_page(r);
  return send_page(r, format, make_page(*r->pool, format));
}

}  // namespace

ngx_int_t add_header(ngx_http_request_t* r, std::string_view name,
                     std::string_view value) noexcept {
  auto* header = static_cast<ngx_table_elt_t*>(ngx_list_push(&r->headers_out.headers));
  if (header == nullptr) return NGX_ERROR;
  *header = ngx_table_elt_t{};
  header->hash = 1;
  header->key = to_ngx(name);
  header->value = to_ngx(value);
  return NGX_OK;
}

ngx_int_t send_page(ngx_http_request_t* r, StatusFormat format, StatusPage* page) noexcept {
  Delivery* delivery = make_delivery(r, format, page);
  if (delivery == nullptr) return NGX_HTTP_INTERNAL_SERVER_ERROR;
  // A part of another page: who puts them together decides when each is sent.
  if (r != r->main) return send_at_once(r, *delivery);
  if (!r->discard_body) r->read_event_handler = ngx_http_test_reading;
  r->write_event_handler = go_on;
  ++r->main->count;
  go_on(r);
  return NGX_DONE;
}

namespace {

// "control=/PATH/", as a header may hold it.
char* read_control(ngx_conf_t* cf, LocationConf& location) noexcept {
  constexpr std::string_view kName = "control=";
  const ngx_str_t& word = words_of(cf)[2];
  std::string_view path = view(word);
  const bool is_named = path.starts_with(kName);
  if (is_named) path.remove_prefix(kName.size());
  const bool is_path = path.starts_with('/') && path.ends_with('/') && !path.starts_with("//") &&
                       std::ranges::all_of(path, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!is_named || !is_path || location.status != StatusFormat::kHtml) {
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"%V\": invalid parameter \"%V\": expected, behind \"html\", "
                       "control=/PATH/ of a location of this server with \"leastwise_control\"",
                       &words_of(cf)[0], &word);
    return conf_error();
  }
  location.control = to_ngx(path);
  return NGX_CONF_OK;
}

}  // namespace

char* set_status(ngx_conf_t* cf, ngx_command_t*, void* location_conf) noexcept {
  auto& location = *static_cast<LocationConf*>(location_conf);
  if (char* rc = read_status_format(cf, location.status); rc != NGX_CONF_OK) return rc;
  if (cf->args->nelts > 2) {
    if (char* rc = read_control(cf, location); rc != NGX_CONF_OK) return rc;
  }
  auto* core = static_cast<ngx_http_core_loc_conf_t*>(
      ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
  core->handler = handle;
  return NGX_CONF_OK;
}

}  // namespace leastwise::nginx
