#include "stream/status.h"

#include <array>
#include <new>
#include <string_view>

#include "leastwise/text.h"
#include "shared/page.h"
#include "stream/conf.h"
#include "stream/request.h"

namespace leastwise::nginx {
namespace {

constexpr std::size_t kPartSize = StatusPage::kLeastRoom;
constexpr std::size_t kLooksAtOnce = 128;  // endpoints, in a turn of the event loop
constexpr ngx_msec_t kPatience = 10'000;   // with a client that neither asks nor reads

constexpr std::string_view kNotAllowed =
    "HTTP/1.0 405 Not Allowed\r\nAllow: GET\r\nConnection: close\r\n\r\n";
constexpr std::string_view kBadRequest = "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n";
constexpr std::string_view kTooLong =
    "HTTP/1.0 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n";

// A page on its way to a client. Lives on the connection's pool, and is the handler's `data` there.
struct Delivery {
  ngx_stream_session_t* session;
  StatusFormat format;
  const volatile ngx_cycle_t* cycle = ngx_cycle;  // whose pools it reads
  Request request{};
  StatusPage* page = nullptr;  // of the live page there is none to make
  ngx_buf_t* part = nullptr;
  bool begun = false;
};

// Nothing to clean up: its address marks the delivery among a pool's handlers.
void mark(void*) noexcept {}

Delivery& delivery_of(const ngx_connection_t& c) noexcept {
  ngx_pool_cleanup_t* cleanup = c.pool->cleanup;
  while (cleanup->handler != mark) cleanup = cleanup->next;
  return *static_cast<Delivery*>(cleanup->data);
}

void end(Delivery& delivery, ngx_uint_t rc) noexcept {
  ngx_stream_finalize_session(delivery.session, rc);
}

void write_head(const Delivery& delivery, Text& out) noexcept {
  out << "HTTP/1.0 200 OK\r\nServer: nginx\r\nContent-Type: " << content_type(delivery.format)
      << "\r\n";
  for (const Header& header : headers_of(delivery.format)) {
    if (!header.name.empty()) out << header.name << ": " << header.value << "\r\n";
  }
  out << "Connection: close\r\n\r\n";
}

// The live page: a text that this program holds, after the head.
ngx_buf_t* live_page_in(ngx_pool_t& pool) noexcept {
  auto* b = static_cast<ngx_buf_t*>(ngx_calloc_buf(&pool));
  if (b == nullptr) return nullptr;
  ngx_str_t page = to_ngx(live_page());
  b->pos = page.data;
  b->last = page.data + page.len;
  b->memory = b->flush = b->last_buf = 1;
  return b;
}

// Sends the next part. REQUIRES: the client took the last one.
ngx_int_t send_part(Delivery& delivery) noexcept {
  ngx_pool_t* pool = delivery.session->connection->pool;
  if (delivery.part == nullptr) delivery.part = ngx_create_temp_buf(pool, kPartSize);
  ngx_buf_t* b = delivery.part;
  if (b == nullptr) return NGX_ERROR;
  b->pos = b->last = b->start;
  Text text({reinterpret_cast<char*>(b->start), kPartSize});
  if (!delivery.begun) {
    delivery.begun = true;
    write_head(delivery, text);
  }
  const bool more = delivery.page != nullptr && delivery.page->render(text);
  b->last = b->pos + text.size();
  b->flush = 1;
  b->last_buf = !more;
  ngx_chain_t out{b, nullptr};
  ngx_chain_t rest{nullptr, nullptr};
  if (delivery.page == nullptr) {
    rest.buf = live_page_in(*pool);
    if (rest.buf == nullptr) return NGX_ERROR;
    b->last_buf = 0;
    out.next = &rest;
  }
  return ngx_stream_top_filter(delivery.session, &out, 1);
}

// A few looks or one part, then the event loop's other work.
void on_write(ngx_event_t* event) noexcept {
  auto* c = static_cast<ngx_connection_t*>(event->data);
  Delivery& delivery = delivery_of(*c);
  // Without a master, a reload takes the old pools away.
  if (event->timedout || delivery.cycle != ngx_cycle) return end(delivery, NGX_STREAM_OK);
  if (c->buffered && ngx_stream_top_filter(delivery.session, nullptr, 1) == NGX_ERROR) {
    return end(delivery, NGX_STREAM_OK);
  }
  if (c->buffered) {
    ngx_add_timer(event, kPatience);
    if (ngx_handle_write_event(event, 0) != NGX_OK) end(delivery, NGX_STREAM_OK);
    return;
  }
  if (event->timer_set) ngx_del_timer(event);
  if (delivery.page == nullptr || !delivery.page->look(kLooksAtOnce)) {
    const bool is_made = delivery.page == nullptr || !delivery.page->has_more();
    if (delivery.begun && is_made) return end(delivery, NGX_STREAM_OK);
    if (send_part(delivery) == NGX_ERROR) return end(delivery, NGX_STREAM_OK);
  }
  ngx_post_event(event, &ngx_posted_next_events);
}

void ignore(ngx_event_t*) noexcept {}

void refuse(Delivery& delivery, std::string_view answer) noexcept {
  ngx_connection_t* c = delivery.session->connection;
  ngx_str_t text = to_ngx(answer);
  c->send(c, text.data, text.len);
  end(delivery, NGX_STREAM_OK);
}

void begin(Delivery& delivery) noexcept {
  ngx_connection_t* c = delivery.session->connection;
  if (c->read->timer_set) ngx_del_timer(c->read);
  c->read->handler = ignore;
  if (!delivery.request.is_get()) return refuse(delivery, kNotAllowed);
  delivery.format = format_for(delivery.format, delivery.request.query());
  if (delivery.format != StatusFormat::kHtml) {
    delivery.page = make_page(*c->pool, delivery.format);
    if (delivery.page == nullptr) return end(delivery, NGX_STREAM_INTERNAL_SERVER_ERROR);
  }
  c->write->handler = on_write;
  on_write(c->write);
}

// False once there is no more to read.
bool take(Delivery& delivery, std::string_view part) noexcept {
  switch (delivery.request.read(part)) {
    case Request::State::kMore:
      return true;
    case Request::State::kComplete:
      begin(delivery);
      return false;
    case Request::State::kTooLong:
      refuse(delivery, kTooLong);
      return false;
    case Request::State::kBroken:
      break;
  }
  refuse(delivery, kBadRequest);
  return false;
}

void on_read(ngx_event_t* event) noexcept {
  auto* c = static_cast<ngx_connection_t*>(event->data);
  Delivery& delivery = delivery_of(*c);
  if (event->timedout) return end(delivery, NGX_STREAM_OK);
  std::array<u_char, 1024> bytes;
  while (true) {
    const ssize_t n = c->recv(c, bytes.data(), bytes.size());
    if (n == NGX_AGAIN) {
      if (!event->timer_set) ngx_add_timer(event, kPatience);
      if (ngx_handle_read_event(event, 0) != NGX_OK) end(delivery, NGX_STREAM_OK);
      return;
    }
    if (n <= 0) return end(delivery, NGX_STREAM_OK);
    const auto* text = reinterpret_cast<const char*>(bytes.data());
    if (!take(delivery, {text, static_cast<std::size_t>(n)})) return;
  }
}

void handle(ngx_stream_session_t* s) noexcept {
  ngx_connection_t* c = s->connection;
  const auto& server = *static_cast<const UpstreamConf*>(
      ngx_stream_get_module_srv_conf(s, ngx_stream_leastwise_module));
  void* memory = ngx_palloc(c->pool, sizeof(Delivery));
  ngx_pool_cleanup_t* cleanup = ngx_pool_cleanup_add(c->pool, 0);
  if (memory == nullptr || cleanup == nullptr || c->type == SOCK_DGRAM) {
    return ngx_stream_finalize_session(s, NGX_STREAM_INTERNAL_SERVER_ERROR);
  }
  auto* delivery = new (memory) Delivery{s, server.status};
  cleanup->handler = mark;
  cleanup->data = delivery;
  c->log->action = const_cast<char*>("sending the status page of leastwise");
  c->read->handler = on_read;
  c->write->handler = ignore;
  if (const ngx_buf_t* b = c->buffer; b != nullptr && b->pos != b->last) {
    const auto* text = reinterpret_cast<const char*>(b->pos);
    if (!take(*delivery, {text, static_cast<std::size_t>(b->last - b->pos)})) return;
  }
  on_read(c->read);
}

}  // namespace

char* set_status(ngx_conf_t* cf, ngx_command_t*, void* server_conf) noexcept {
  auto& server = *static_cast<UpstreamConf*>(server_conf);
  if (char* rc = read_status_format(cf, server.status); rc != NGX_CONF_OK) return rc;
  auto* core = static_cast<ngx_stream_core_srv_conf_t*>(
      ngx_stream_conf_get_module_srv_conf(cf, ngx_stream_core_module));
  core->handler = handle;
  return NGX_CONF_OK;
}

}  // namespace leastwise::nginx
