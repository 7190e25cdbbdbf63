// Address: where a socket is, as written in the configuration.
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_ADDRESS_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace leastwise::agent {

struct Address {
  std::string text;  // as written
  std::string path;  // of a unix socket; else empty
  std::string host;  // of a network address, without brackets
  std::uint16_t port = 0;
  sockaddr_storage storage{};
  socklen_t length = 0;

  bool is_unix() const noexcept { return !path.empty(); }
  const sockaddr* get() const noexcept {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  }
};

inline constexpr std::string_view kAcceptedAddress =
    "expected IP:PORT, such as 127.0.0.1:9876 or [::1]:9876";
inline constexpr std::string_view kAcceptedStreamAddress =
    "expected unix:/PATH or IP:PORT, such as 127.0.0.1:9876 or [::1]:9876";

// Numbers only: a name that has to be looked up would make starting depend on a resolver.
// False, and `out` unchanged, when `text` is neither IP:PORT nor (if allowed) unix:/PATH.
bool parse_address(std::string_view text, bool allow_unix, Address& out);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_ADDRESS_H_
