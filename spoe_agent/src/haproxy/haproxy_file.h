// What adopting Leastwise needs to know of a haproxy.cfg: its sections and the words of their
// lines.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_FILE_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_FILE_H_

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace leastwise::agent {

struct HaproxyLine {
  std::vector<std::string>
      words;         // without quotes and backslashes; ${VARIABLES} are left as they are
  std::string text;  // as it is written, without what surrounds it

  // Whether it begins with these words; "no" counts as one.
  bool begins(std::initializer_list<std::string_view> first) const noexcept;
  std::string_view word(std::size_t i) const noexcept {
    return i < words.size() ? std::string_view(words[i]) : std::string_view();
  }
};

struct HaproxySection {
  std::string kind;  // frontend, backend, listen, global, defaults, …
  std::string name;
  std::vector<HaproxyLine> lines;
  std::vector<HaproxyLine> defaults;  // of a proxy: those of its `defaults` section

  // The last line that begins so, of its own or else of its defaults; nullptr if there is none.
  // A later "no …" takes it back.
  const HaproxyLine* find(std::initializer_list<std::string_view> first) const noexcept;
  const HaproxyLine* find_own(std::initializer_list<std::string_view> first) const noexcept;
  bool is_http() const noexcept;
  // With servers: a backend or a listen.
  bool balances() const noexcept { return kind == "backend" || kind == "listen"; }
  // Takes connections: a frontend or a listen.
  bool accepts() const noexcept { return kind == "frontend" || kind == "listen"; }
};

// Pure, and never fails: `haproxy -c` is who finds mistakes. Of .if and .else both are read.
std::vector<HaproxySection> parse_haproxy_file(std::string_view text);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_HAPROXY_FILE_H_
