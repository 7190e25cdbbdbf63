// Asked: what a policy in Lua is told of a request: the arguments of HAProxy's question.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_SCRIPT_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_SCRIPT_H_

#include <array>
#include <string_view>

#include "leastwise/picker.h"
#include "leastwise/route.h"
#include "lua/script.h"
#include "spop/messages.h"
#include "spop/pick_message.h"

namespace leastwise::agent {

// A view of the question, which outlives it. What is asked by name (header, cookie, arg) is the
// argument of that name.
class Asked {
 public:
  explicit Asked(spop::Messages messages) noexcept : messages_(messages) {}

  bool text(lua::What what, std::string_view name, std::string_view& out) const noexcept;
  bool number(lua::What what, double& out) const noexcept;

 private:
  bool find(std::string_view name, spop::Value& out) const noexcept;
  bool text_of(const spop::Value& value, std::string_view& out) const noexcept;

  friend void ask_script(lua::Script& script, Asked& asked, TimePoint now,
                         Request& request) noexcept;

  spop::Messages messages_;
  std::array<char, Route::kMostText> route_;  // what the script says it is
  static constexpr unsigned kTextSize = 64;
  mutable std::array<char, kTextSize> text_;  // of what is none as it comes
};

// The script answers for this request from now on; its route and key go before the question's.
void ask_script(lua::Script& script, Asked& asked, TimePoint now, Request& request) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_SCRIPT_H_
