// Wire: bytes to and from a server, by TCP or by TLS over it (OpenSSL). Each call ends at its
// deadline, whatever the other end does; that of open() once a name is resolved.
//
// After a call that failed it is to be closed.
#ifndef LEASTWISE_SPOE_AGENT_SHARE_WIRE_H_
#define LEASTWISE_SPOE_AGENT_SHARE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/redis_url.h"
#include "config/share_tls.h"
#include "leastwise/clock.h"

struct bio_st;

namespace leastwise::agent {

class Wire {
 public:
  // Of a server that is silent or slow.
  static constexpr Duration kPatience = std::chrono::milliseconds(500);
  static constexpr const char* kSilent = "no answer within 0.5 s";

  bool is_open() const noexcept { return bio_ != nullptr; }
  // Each of connection and handshake has kPatience. False: error() says why.
  bool open(const RedisUrl& url, const ShareTls& tls);
  // False: error() says why.
  bool send(std::string_view bytes, TimePoint deadline);
  // How many; 0: error() says why.
  std::size_t receive(std::span<char> out, TimePoint deadline);
  void close() noexcept;

  // Printable ASCII.
  const std::string& error() const noexcept { return error_; }
  // Sent and received, since the start, with all that TLS takes.
  std::uint64_t bytes() const noexcept;

 private:
  struct Free {
    void operator()(bio_st* chain) const noexcept;
  };

  bool connect(const RedisUrl& url);
  bool start_tls(const RedisUrl& url, const ShareTls& tls);
  // What `step` returns when it could be done.
  template <typename Step>
  int carry(Step step, TimePoint deadline, const char* late);
  bool wait(TimePoint deadline) const noexcept;
  bool fail(std::string_view why);
  std::string reason() const;

  std::unique_ptr<bio_st, Free> bio_;  // of TLS, if that is spoken, and of the socket
  bio_st* socket_ = nullptr;           // the last of them
  std::uint64_t bytes_ = 0;            // of those before
  std::string error_;
};

// What comes from the network, for logs and pages: of bounded length, printable ASCII.
std::string shown(std::string_view text);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_WIRE_H_
