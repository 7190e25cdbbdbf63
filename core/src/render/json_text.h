// What the parts of the status have alike as JSON.
#ifndef LEASTWISE_SRC_RENDER_JSON_TEXT_H_
#define LEASTWISE_SRC_RENDER_JSON_TEXT_H_

#include <string_view>

#include "leastwise/status_page.h"
#include "leastwise/text.h"

namespace leastwise {

inline constexpr double kMillisecond = 1e3;

inline std::string_view yes(bool b) noexcept { return b ? "true" : "false"; }

// "http/api/10.0.0.1:80" is server 10.0.0.1:80 of the upstream.
inline std::string_view server_of(std::string_view name) noexcept {
  std::string_view rest = name;
  for (int slashes = 0; slashes < 2; ++slashes) {
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return name;
    rest.remove_prefix(slash + 1);
  }
  return rest;
}

// A text, or null where there is none.
inline void render_text(std::string_view text, Text& out) noexcept {
  if (text.empty()) {
    out << "null";
  } else {
    (out << '"').json(text) << '"';
  }
}

// What a pool remembers: "history":[…],"decisions":[ and, one by one, the decisions in it.
void render_history(const Pool& pool, TimePoint now, Text& out) noexcept;
// The first decision from the i-th last on. Returns the number of the next, 0 when there is none.
std::size_t render_decision(const Pool& pool, std::size_t i, bool is_first, TimePoint now,
                            Text& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_SRC_RENDER_JSON_TEXT_H_
