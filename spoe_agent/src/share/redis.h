// Redis: one connection to Redis or Valkey, by hiredis. Blocks, each call for kPatience at most
// once a name is resolved: for a thread of its own.
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
#include "leastwise/clock.h"

struct redisContext;
struct redisReply;

namespace leastwise::agent {

class Redis {
 public:
  static constexpr Duration kPatience = std::chrono::milliseconds(500);
  static constexpr std::size_t kMostReply = std::size_t{4} << 20;

  struct Free {
    void operator()(redisContext* context) const noexcept;
    void operator()(redisReply* reply) const noexcept;
  };
  using Reply = std::unique_ptr<redisReply, Free>;
  using Command = std::vector<std::string>;

  explicit Redis(RedisUrl url) : url_(std::move(url)) {}

  bool is_connected() const noexcept { return context_ != nullptr; }
  // False: error() says why.
  bool connect();
  // One reply for each command, in order; nothing when the connection was lost.
  std::vector<Reply> ask(const std::vector<Command>& commands);
  void close() noexcept { context_.reset(); }

  const std::string& error() const noexcept { return error_; }
  // Bytes sent and received, since the start.
  std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  bool fail(const std::string& why);
  bool authenticate();
  Reply next_reply();

  const RedisUrl url_;
  std::unique_ptr<redisContext, Free> context_;
  std::string error_;
  std::uint64_t bytes_ = 0;
};

// What an error reply says; empty: it is none. Printable ASCII, of bounded length.
std::string error_of(const redisReply& reply);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_REDIS_H_
