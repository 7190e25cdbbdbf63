// RequestSource: how a script's questions about a request are answered by the front end that has
// it.
#ifndef LEASTWISE_LUA_REQUEST_H_
#define LEASTWISE_LUA_REQUEST_H_

#include <cstdint>
#include <string_view>

namespace leastwise::lua {

// The numbers that prelude.lua asks with.
enum class What : std::int32_t {
  kMethod,
  kHost,
  kPath,
  kQuery,
  kClient,
  kBodyLength,
  kRoute,
  kKey,
  kHeader,
  kCookie,
  kArgument,
  kVariable,
};

// False: there is none of that. `name` of a header, a cookie or an argument only. Texts must live
// until the script's call is over. Neither may call the script.
struct RequestSource {
  bool (*text)(const void* request, What what, std::string_view name,
               std::string_view& out) noexcept = nullptr;
  bool (*number)(const void* request, What what, double& out) noexcept = nullptr;
};

}  // namespace leastwise::lua

#endif  // LEASTWISE_LUA_REQUEST_H_
