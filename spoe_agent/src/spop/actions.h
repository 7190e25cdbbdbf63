// Actions: what an agent asks HAProxy to do in answer to a NOTIFY.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_ACTIONS_H_
#define LEASTWISE_SPOE_AGENT_SPOP_ACTIONS_H_

#include <string_view>

#include "spop/types.h"
#include "spop/writer.h"

namespace leastwise::spop {

// Written straight into the ACK. An action that does not fit the negotiated frame size is left out
// whole: the call returns false and the ones before it stand.
//
// HAProxy puts its var-prefix between scope and name, and silently drops names that appear neither
// in its configuration nor in register-var-names.
class Actions {
 public:
  explicit Actions(Writer& ack) noexcept : ack_(ack) {}

  bool set_var(Scope scope, std::string_view name, const Value& value) noexcept;
  bool set_var(Scope scope, std::string_view name, std::string_view text) noexcept {
    return set_var(scope, name, Value::string(text));
  }
  bool unset_var(Scope scope, std::string_view name) noexcept;

 private:
  Writer& ack_;
};

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_ACTIONS_H_
