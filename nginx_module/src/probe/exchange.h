// Exchange: one probe on the wire. A connection of nginx's, with memory of its own that ends with
// it; nothing waits, and nothing is logged: what it found is told once.
//
// It has no timer: who began it ends it when its time is over. So nothing of it keeps a worker that
// shuts down.
#ifndef LEASTWISE_NGINX_MODULE_PROBE_EXCHANGE_H_
#define LEASTWISE_NGINX_MODULE_PROBE_EXCHANGE_H_

#include <optional>
#include <span>
#include <string_view>

#include "leastwise/probe.h"
#include "probes/http.h"
#if LEASTWISE_PROBES_GRPC
#include "probes/grpc.h"
#endif
#include "shared/ngx.h"

namespace leastwise::nginx {

// Whom to ask, and how. Views that outlive the exchange.
struct Question {
  const ProbeSettings* settings = nullptr;
  std::string_view host;    // what the pool is called
  bool wants_body = false;  // of HTTP: it is told with the result
  sockaddr* address = nullptr;
  socklen_t address_size = 0;
  ngx_str_t* name = nullptr;  // of the address
#if (NGX_SSL)
  ngx_ssl_t* tls = nullptr;  // nullptr: without
#endif
};

class Exchange {
 public:
  // Called at most once, never by begin(), and the exchange is over then: `body` ends with it.
  using Done = void (*)(void* who, const ProbeResult& result, std::string_view body) noexcept;

  enum class Start : std::uint8_t {
    kGoesOn,
    kOver,        // `result` has what was found at once; there is no exchange
    kNoResource,  // of this machine; says nothing of the server
  };
  static Start begin(const Question& question, Done done, void* who, Exchange*& out,
                     ProbeResult& result) noexcept;
  // Closes the connection; nobody is told.
  void end() noexcept;

 private:
  Exchange(const Question& question, Done done, void* who, ngx_pool_t* memory) noexcept
      : question_(question),
        done_(done),
        who_(who),
        memory_(memory),
        answer_(*question.settings, question.wants_body ? &body_ : nullptr) {}

  static void on_event(ngx_event_t* event) noexcept;
  bool is_connected(const ngx_event_t& event) noexcept;
  void start() noexcept;
  bool write_request() noexcept;
  std::span<const char> next_to_send() noexcept;
  void talk() noexcept;
  bool send() noexcept;
  void read() noexcept;
  std::optional<ProbeResult> judge(std::string_view part) noexcept;
  void finish(const ProbeResult& result) noexcept;
  void close() noexcept;
  void free() noexcept;
#if (NGX_SSL)
  void shake_hands() noexcept;
  static void on_handshake(ngx_connection_t* c) noexcept;
#endif

  Question question_;
  Done done_;
  void* who_;
  ngx_pool_t* memory_;
  ngx_peer_connection_t peer_{};
  bool connected_ = false;
  std::span<const char> request_;  // what of it is not sent yet
  probes::Body body_;
  probes::HttpAnswer answer_;
#if LEASTWISE_PROBES_GRPC
  probes::GrpcCall* call_ = nullptr;  // in place of the answer
#endif
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_PROBE_EXCHANGE_H_
