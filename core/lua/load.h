// Loads a script for code without exceptions: Script::load() wants a name that is made with memory,
// which may run out.
#ifndef LEASTWISE_CORE_LUA_LOAD_H_
#define LEASTWISE_CORE_LUA_LOAD_H_

#include <memory>
#include <string>
#include <string_view>

#include "lua/script.h"

namespace leastwise::lua {

// nullptr, with what is wrong in `error`; with nothing there when memory ran out.
std::unique_ptr<Script> load_script(std::string_view file, std::string& error) noexcept;

}  // namespace leastwise::lua

#endif  // LEASTWISE_CORE_LUA_LOAD_H_
