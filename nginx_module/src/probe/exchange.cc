#include "probe/exchange.h"

#include <array>
#include <cerrno>
#include <new>

namespace leastwise::nginx {
namespace {

constexpr std::size_t kPoolSize = 2048;
constexpr int kReceiveBuffer = 32 * 1024;   // of the kernel's, so that a flood stays with who sends
constexpr std::size_t kAtOnce = 16 * 1024;  // bytes that are read in one call

// nginx would log each connection that fails, and each error of TLS: here a change of state is
// logged, not each probe.
ngx_log_t& quiet_log() noexcept {
  static ngx_log_t log;  // of level 0
  return log;
}

ProbeResult of_error(int error) noexcept {
  switch (error) {
    case ECONNREFUSED:
    case ENOENT:  // a unix socket that nobody made
      return {ProbeFault::kRefused};
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return {ProbeFault::kUnreachable};
    case ECONNRESET:
    case EPIPE:
      return {ProbeFault::kReset};
    case ETIMEDOUT:
      return {ProbeFault::kTimeout};
    default:
      return {ProbeFault::kConnect, static_cast<std::uint32_t>(error)};
  }
}

}  // namespace

Exchange::Start Exchange::begin(const Question& question, Done done, void* who, Exchange*& out,
                                ProbeResult& result) noexcept {
  ngx_pool_t* memory = ngx_create_pool(kPoolSize, &quiet_log());
  if (memory == nullptr) return Start::kNoResource;
  void* place = ngx_palloc(memory, sizeof(Exchange));
  if (place == nullptr) {
    ngx_destroy_pool(memory);
    return Start::kNoResource;
  }
  auto* exchange = new (place) Exchange(question, done, who, memory);
  if (!exchange->write_request()) {
    exchange->free();
    return Start::kNoResource;
  }
  ngx_peer_connection_t& peer = exchange->peer_;
  peer.sockaddr = question.address;
  peer.socklen = question.address_size;
  peer.name = question.name;
  peer.rcvbuf = kReceiveBuffer;
  peer.get = ngx_event_get_peer;
  peer.log = &quiet_log();
  peer.log_error = NGX_ERROR_ERR;
  ngx_set_errno(0);
  const ngx_int_t rc = ngx_event_connect_peer(&peer);
  if (rc != NGX_OK && rc != NGX_AGAIN) {
    result = of_error(ngx_errno);  // of connect(): what nginx did after it succeeded
    exchange->free();
    // A unix socket whose queue is full says EAGAIN, at once.
    return rc == NGX_DECLINED ? Start::kOver : Start::kNoResource;
  }
  ngx_connection_t& c = *peer.connection;
  c.data = exchange;
  c.pool = memory;
  c.log = c.read->log = c.write->log = &quiet_log();
  c.read->handler = c.write->handler = on_event;
  c.sendfile = 0;
  // Also one that is connected already begins with an event, so that nobody is told by begin().
  if (rc == NGX_OK) {
    ngx_post_event(c.write, &ngx_posted_events);
  }
  out = exchange;
  return Start::kGoesOn;
}

// Of HTTP/1 what the settings allow, 1.6 KiB at most. False when memory ran out.
bool Exchange::write_request() noexcept {
  constexpr std::size_t kMost = 2048;
  if (question_.wants_body) {
    auto* room = static_cast<char*>(ngx_palloc(memory_, ProbeSettings::kMostAnswer));
    if (room == nullptr) return false;
    body_.room = {room, ProbeSettings::kMostAnswer};
  }
  if (question_.settings->kind == ProbeKind::kHttp) {
    auto* text = static_cast<char*>(ngx_pnalloc(memory_, kMost));
    if (text == nullptr) return false;
    Text out({text, kMost});
    probes::write_http(*question_.settings, question_.host, out);
    request_ = out.view();
  }
#if LEASTWISE_PROBES_GRPC
  if (question_.settings->kind == ProbeKind::kGrpc) {
    void* place = ngx_palloc(memory_, sizeof(probes::GrpcCall));
    if (place == nullptr) return false;
    call_ = new (place) probes::GrpcCall(*question_.settings);
    return call_->begin(question_.host);
  }
#endif
  return true;
}

void Exchange::end() noexcept {
  close();
  free();
}

void Exchange::close() noexcept {
  ngx_connection_t* c = peer_.connection;
#if (NGX_SSL)
  if (c->ssl != nullptr) {
    c->ssl->no_wait_shutdown = 1;
    if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
      c->timedout = 1;  // nobody waits until the goodbye can be sent
      ngx_ssl_shutdown(c);
    }
  }
#endif
  ngx_close_connection(c);
}

void Exchange::free() noexcept {
#if LEASTWISE_PROBES_GRPC
  if (call_ != nullptr) call_->~GrpcCall();
#endif
  ngx_destroy_pool(memory_);  // and this with it
}

void Exchange::finish(const ProbeResult& result) noexcept {
  const ProbeResult found = result;  // which may be of this
  close();
  done_(who_, found, body_.text());
  free();
}

void Exchange::on_event(ngx_event_t* event) noexcept {
  auto* c = static_cast<ngx_connection_t*>(event->data);
  auto& exchange = *static_cast<Exchange*>(c->data);
  if (exchange.connected_) return exchange.talk();
  if (exchange.is_connected(*event)) exchange.start();
}

// False also when it is over.
bool Exchange::is_connected(const ngx_event_t& event) noexcept {
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(peer_.connection->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    finish(of_error(error));
    return false;
  }
  connected_ = event.write != 0;
  return connected_;
}

void Exchange::start() noexcept {
#if (NGX_SSL)
  if (question_.tls != nullptr) return shake_hands();
#endif
  if (question_.settings->kind == ProbeKind::kTcp) return finish({});
  talk();
}

#if (NGX_SSL)
void Exchange::shake_hands() noexcept {
  ngx_connection_t* c = peer_.connection;
  if (ngx_ssl_create_connection(question_.tls, c, NGX_SSL_BUFFER | NGX_SSL_CLIENT) != NGX_OK) {
    return finish({ProbeFault::kTls});
  }
  const std::string_view name = question_.settings->server_name();
  std::array<char, 256> text{};
  name.copy(text.data(), text.size() - 1);
  // As nginx does: an address is no name.
  const ngx_str_t server = to_ngx(name);
  if (!name.empty() && ngx_inet_addr(server.data, server.len) == INADDR_NONE &&
      SSL_ctrl(c->ssl->connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               text.data()) == 0) {
    return finish({ProbeFault::kTls});
  }
  if (question_.settings->kind == ProbeKind::kGrpc) {
    constexpr std::array<unsigned char, 3> kHttp2{2, 'h', '2'};
    if (SSL_set_alpn_protos(c->ssl->connection, kHttp2.data(), kHttp2.size()) != 0) {
      return finish({ProbeFault::kTls});
    }
  }
  c->ssl->handler = on_handshake;
  if (ngx_ssl_handshake(c) != NGX_AGAIN) on_handshake(c);
}

void Exchange::on_handshake(ngx_connection_t* c) noexcept {
  auto& exchange = *static_cast<Exchange*>(c->data);
  if (!c->ssl->handshaked) return exchange.finish({ProbeFault::kTls});
  c->read->handler = c->write->handler = on_event;
  if (exchange.question_.settings->kind == ProbeKind::kTcp) return exchange.finish({});
  exchange.talk();
}
#endif

void Exchange::talk() noexcept {
  if (send()) read();
}

std::span<const char> Exchange::next_to_send() noexcept {
#if LEASTWISE_PROBES_GRPC
  if (request_.empty() && call_ != nullptr) return call_->to_send();
#endif
  return request_;
}

// True when all is sent. What an error says of the server is read after it.
bool Exchange::send() noexcept {
  ngx_connection_t* c = peer_.connection;
  while (!(request_ = next_to_send()).empty()) {
    // Only read, though nginx does not say so.
    auto* bytes = reinterpret_cast<u_char*>(const_cast<char*>(request_.data()));
    const ssize_t n = c->send(c, bytes, request_.size());
    if (n == NGX_AGAIN) {
      if (ngx_handle_write_event(c->write, 0) != NGX_OK) finish({ProbeFault::kReset});
      return false;
    }
    if (n <= 0) {
      request_ = {};
      break;
    }
    request_ = request_.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

void Exchange::read() noexcept {
  static std::array<u_char, kAtOnce> buffer;  // what is in it is read before anybody else's is
  ngx_connection_t* c = peer_.connection;
  while (true) {
    const ssize_t n = c->recv(c, buffer.data(), buffer.size());
    if (n == NGX_AGAIN) {
      if (ngx_handle_read_event(c->read, 0) != NGX_OK) finish({ProbeFault::kReset});
      return;
    }
    if (n < 0) return finish({ProbeFault::kReset});
    const std::string_view part(reinterpret_cast<const char*>(buffer.data()),
                                n > 0 ? static_cast<std::size_t>(n) : 0);
    if (const auto result = judge(part)) return finish(*result);
    if (!send()) return;  // HTTP/2 answers what it reads
  }
}

// Nothing read: the server closed the connection.
std::optional<ProbeResult> Exchange::judge(std::string_view part) noexcept {
#if LEASTWISE_PROBES_GRPC
  if (call_ != nullptr) return part.empty() ? call_->end() : call_->read(part);
#endif
  return part.empty() ? answer_.end() : answer_.read(part);
}

}  // namespace leastwise::nginx
