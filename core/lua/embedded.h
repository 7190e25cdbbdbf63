// Embedded: the texts that LuaJIT reads at the start, made by embed.py.
#ifndef LEASTWISE_LUA_EMBEDDED_H_
#define LEASTWISE_LUA_EMBEDDED_H_

#include <string_view>

namespace leastwise::lua::embedded {

std::string_view binding() noexcept;  // binding.h without its preprocessor's lines
std::string_view prelude() noexcept;

}  // namespace leastwise::lua::embedded

#endif  // LEASTWISE_LUA_EMBEDDED_H_
