// RedisUrl: "redis[s]://[[USER]:PASSWORD@]HOST[:PORT][/PREFIX]".
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_REDIS_URL_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_REDIS_URL_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace leastwise::agent {

struct RedisUrl {
  static constexpr std::uint16_t kPort = 6379;

  std::string user{};      // empty: Redis' default user
  std::string password{};  // empty: none is given
  std::string host{};
  std::uint16_t port = kPort;
  bool is_tls = false;               // rediss://
  std::string prefix = "leastwise";  // of all keys

  bool operator==(const RedisUrl&) const = default;

  // Without the password, for people.
  std::string shown() const;
};

inline constexpr std::string_view kAcceptedRedisUrl =
    "expected redis://[[USER]:PASSWORD@]HOST[:PORT][/PREFIX], or rediss:// with TLS; PREFIX is of "
    "up to 64 letters, digits, \"-\", \"_\", \".\"; other signs of USER and PASSWORD are written "
    "as "
    "%40; unix sockets are not supported";

// What is not a letter or digit in user and password may be %xx. False: it is none.
bool parse_redis_url(const std::string& text, RedisUrl& out);

// What stands for user and password of something like a URL, or of a part of one, is left out, and
// a private key: for messages about any word of a file.
std::string without_password(std::string_view text);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_REDIS_URL_H_
