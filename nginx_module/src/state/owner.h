// Owner: which nginx writes a file, noted in FILE.lock by the process that holds it.
//
// With a binary upgrade (USR2) there are two masters for a while, the new one a child of the old
// one, and both are one nginx. Ids of processes mean something within one namespace only: in two
// containers both masters may be 1.
#ifndef LEASTWISE_NGINX_MODULE_STATE_OWNER_H_
#define LEASTWISE_NGINX_MODULE_STATE_OWNER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace leastwise::nginx {

struct Owner {
  std::uint64_t space = 0;   // the namespace of process ids, 0 when that is not known
  std::uint64_t master = 0;  // process id
  std::uint64_t parent = 0;  // of a master that took over from another: that one's
};

// The namespace of this process.
std::uint64_t own_space() noexcept;

// One nginx, or its old and its new binary.
bool is_one_nginx(const Owner& a, const Owner& b) noexcept;

// A line of text, and what one says; nothing unless it is such a line.
using OwnerText = std::array<char, 80>;
std::string_view to_text(const Owner& owner, OwnerText& out) noexcept;
std::optional<Owner> read_owner(std::string_view text) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_STATE_OWNER_H_
