// Hash: what requests are told apart by, as a number.
#ifndef LEASTWISE_NGINX_MODULE_SHARED_HASH_H_
#define LEASTWISE_NGINX_MODULE_SHARED_HASH_H_

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "shared/ngx.h"

namespace leastwise::nginx {

inline constexpr std::uint32_t kKeySalt = 0x6b6579;  // "key"

// Never 0, which means "not told apart". nginx's hash has 32 bits: enough, the core tells a few
// hundred routes apart. The salt goes in the upper half.
inline std::uint64_t hash_of(std::string_view text, std::uint32_t salt) noexcept {
  ngx_str_t s = to_ngx(text);
  const std::uint64_t hash = ngx_murmur_hash2(s.data, s.len) + salt;
  return std::max<std::uint64_t>(1, (std::uint64_t{salt} << 32) | (hash & 0xffffffff));
}

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_SHARED_HASH_H_
