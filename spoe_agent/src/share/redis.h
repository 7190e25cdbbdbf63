// Redis: one connection to Redis or Valkey. RESP is spoken by hiredis, over a Wire. Blocks, each
// call for kMostWait at most once a name is resolved: for a thread of its own.
//
// What it says is not trusted: no reply is longer than kMostReply. After any error of the
// connection it is closed; an error in a reply is the caller's to see.
#ifndef LEASTWISE_SPOE_AGENT_SHARE_REDIS_H_
#define LEASTWISE_SPOE_AGENT_SHARE_REDIS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/redis_url.h"
#include "config/share_tls.h"
#include "leastwise/clock.h"
#include "share/wire.h"

struct redisReader;
struct redisReply;

namespace leastwise::agent {

class Redis {
 public:
  // Each reply is there Wire::kPatience after the one before, and all are after this.
  static constexpr Duration kMostWait = std::chrono::seconds(2);
  static constexpr std::size_t kMostReply = std::size_t{4} << 20;

  struct Free {
    void operator()(redisReader* reader) const noexcept;
    void operator()(redisReply* reply) const noexcept;
  };
  using Reply = std::unique_ptr<redisReply, Free>;
  using Command = std::vector<std::string>;

  Redis(RedisUrl url, ShareTls tls) : url_(std::move(url)), tls_(std::move(tls)) {}

  bool is_connected() const noexcept { return wire_.is_open(); }
  // False: error() says why.
  bool connect();
  // One reply for each command, in order, in one round trip; nothing when the connection was lost.
  std::vector<Reply> ask(const std::vector<Command>& commands);
  void close() noexcept { wire_.close(); }

  const std::string& error() const noexcept { return error_; }
  // Bytes sent and received, since the start.
  std::uint64_t bytes() const noexcept { return wire_.bytes(); }

 private:
  bool fail(const std::string& why);
  bool authenticate();
  Reply next_reply(TimePoint deadline);

  const RedisUrl url_;
  const ShareTls tls_;
  Wire wire_;
  std::unique_ptr<redisReader, Free> reader_;
  std::string error_;
};

// What an error reply says; empty: it is none. Printable ASCII, of bounded length.
std::string error_of(const redisReply& reply);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_REDIS_H_
