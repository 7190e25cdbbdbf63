// Checks: a script as it is compiled, with a call at the head of each loop and each function, and
// at each goto, that looks at the time. What LuaJIT makes of a loop has it in it: nothing else can
// stop a loop that is compiled. Lines stay where they are.
#ifndef LEASTWISE_LUA_CHECKS_H_
#define LEASTWISE_LUA_CHECKS_H_

#include <string>
#include <string_view>

namespace leastwise::lua {

// What no script may name: the function that looks at the time.
inline constexpr std::string_view kCheck = "leastwise_check";

// The chunk takes that function as its argument. False when the script names it.
bool add_checks(std::string_view source, std::string& out);

}  // namespace leastwise::lua

#endif  // LEASTWISE_LUA_CHECKS_H_
