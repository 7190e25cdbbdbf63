// TokenMessage: our second message, `leastwise-token`, read out of a NOTIFY: the answer to a
// request has begun, as a model server's does with its first token. Its one argument is the
// request's id.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_TOKEN_MESSAGE_H_
#define LEASTWISE_SPOE_AGENT_SPOP_TOKEN_MESSAGE_H_

#include <string_view>

#include "spop/messages.h"

namespace leastwise::spop {

inline constexpr std::string_view kTokenMessage = "leastwise-token";

// The id in the first message of that name; empty if there is none.
inline std::string_view read_token_message(Messages messages) noexcept {
  for (std::string_view name; messages.next(name);) {
    if (name != kTokenMessage) continue;
    for (Argument argument; messages.next(argument);) {
      if (argument.name == "id" && argument.value.is_string()) return argument.value.bytes;
    }
    break;
  }
  return {};
}

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_TOKEN_MESSAGE_H_
