// HAProxy's id of a request, as the agent remembers it.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_REQUEST_ID_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_REQUEST_ID_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace leastwise::agent {

// A 128-bit hash under a seed of this process. Ids come from outside: so they take the same
// room however long they are, and nobody can choose two that meet.
struct RequestId {
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const RequestId&, const RequestId&) noexcept = default;
};

inline constexpr std::size_t kMaxIdLength = 256;  // bytes; a longer one is no id

// REQUIRES: !id.empty() && id.size() <= kMaxIdLength. Thread safe.
RequestId request_id(std::string_view id) noexcept;

// Of a route or a key; 0 for an empty text. Stable over restarts.
std::uint64_t text_hash(std::string_view text) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_REQUEST_ID_H_
