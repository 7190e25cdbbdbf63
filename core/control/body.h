// Body: what a request of control says, as JSON: {"weight": 3, "drain": true}.
//
// A setting that is null is as configured again. Refused as a whole: what is no JSON, keys that are
// not known or come twice, values of another type or out of range. The text of an error names what
// is accepted.
#ifndef LEASTWISE_CORE_CONTROL_BODY_H_
#define LEASTWISE_CORE_CONTROL_BODY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "leastwise/clock.h"
#include "leastwise/endpoint.h"
#include "leastwise/text.h"

namespace leastwise::control {

inline constexpr std::size_t kMostBody = 16 * 1024;  // bytes

enum class BodyKind : std::uint8_t {
  kChange = 1,  // of a server
  kAdd = 2,     // of one that is new
  kEject = 4,   // {"for": "30s"}
  kPicks = 8,   // of a server of HAProxy, whose other settings are HAProxy's
};

struct Body {
  // Of what only one that is new may be told: in a change it has to be as it is.
  std::optional<bool> backup;
  std::optional<Duration> slow_start;
  std::string_view server() const noexcept { return {address.data(), address_size}; }

  Change change;
  std::optional<Duration> time;  // of an ejection
  std::size_t address_size = 0;
  std::array<char, kMaxEndpointName> address{};
};

// False, and why, when the text is refused.
bool read_body(BodyKind kind, std::string_view text, Body& out, Text& error) noexcept;

}  // namespace leastwise::control

#endif  // LEASTWISE_CORE_CONTROL_BODY_H_
