#include "state/owner.h"

#include <sys/stat.h>

#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace leastwise::nginx {
namespace {

constexpr char kBegin[] = "leastwise ";

// A number, and the space or the end of the line behind it.
bool read_number(std::string_view& text, char behind, std::uint64_t& out) noexcept {
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, out);
  if (error != std::errc() || next == end || *next != behind) return false;
  text.remove_prefix(static_cast<std::size_t>(next + 1 - text.data()));
  return true;
}

}  // namespace

std::uint64_t own_space() noexcept {
  struct stat info {};
  return ::stat("/proc/self/ns/pid", &info) == 0 ? info.st_ino : 0;
}

bool is_one_nginx(const Owner& a, const Owner& b) noexcept {
  if (a.space != b.space) return false;
  return a.master == b.master || a.parent == b.master || b.parent == a.master;
}

std::string_view to_text(const Owner& owner, OwnerText& out) noexcept {
  const int size = std::snprintf(out.data(), out.size(), "%s%" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                                 kBegin, owner.space, owner.master, owner.parent);
  return {out.data(), static_cast<std::size_t>(size)};
}

std::optional<Owner> read_owner(std::string_view text) noexcept {
  if (!text.starts_with(kBegin)) return {};
  text.remove_prefix(std::string_view(kBegin).size());
  Owner owner;
  if (!read_number(text, ' ', owner.space) || !read_number(text, ' ', owner.master) ||
      !read_number(text, '\n', owner.parent) || owner.master == 0) {
    return {};
  }
  return owner;
}

}  // namespace leastwise::nginx
