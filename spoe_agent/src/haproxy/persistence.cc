#include "haproxy/persistence.h"

#include <algorithm>

namespace leastwise::agent {
namespace {

bool has_word(const HaproxyLine& line, std::string_view word) noexcept {
  return std::ranges::find(line.words, word) != line.words.end();
}

void add_cookie(const HaproxySection& backend, Persistence& out) {
  const HaproxyLine* line = backend.find({"cookie"});
  if (line == nullptr || !backend.is_http()) return;
  // With `prefix` the application's cookie is there without a server, too.
  const bool is_prefix = has_word(*line, "prefix");
  out.has_server.push_back("{ req.cook(" + std::string(line->word(1)) + ") " +
                           (is_prefix ? "-m sub ~ }" : "-m found }"));
  const bool has_age = has_word(*line, "maxlife") || has_word(*line, "maxidle");
  if (!has_word(*line, "insert") || has_age) return;
  out.cookie_line = line->text + " maxlife 3650d";
  out.old_cookie_line = line;
}

// stick on|match EXPRESSION [table NAME] [if|unless …]; without its condition, so that HAProxy
// decides in any case where there is an entry.
void add_stick(const HaproxySection& backend, const HaproxyLine& line, Persistence& out) {
  std::string table = backend.name;
  const auto found = std::ranges::find(line.words, "table");
  if (found != line.words.end() && found + 1 != line.words.end()) table = *(found + 1);
  out.has_server.push_back("{ " + std::string(line.word(2)) + ",table_server_id(" + table +
                           ") gt 0 }");
}

}  // namespace

Persistence persistence_of(const HaproxySection& backend) {
  Persistence out;
  add_cookie(backend, out);
  for (const HaproxyLine& line : backend.lines) {
    if (line.begins({"stick", "on"}) || line.begins({"stick", "match"})) {
      add_stick(backend, line, out);
    } else if (line.begins({"persist"}) && line.word(1).starts_with("rdp-cookie")) {
      const std::string_view cookie = line.word(1);
      const std::size_t bracket = cookie.find('(');
      const std::string name(bracket == cookie.npos ? "(msts)" : cookie.substr(bracket));
      out.has_server.push_back("{ req.rdp_cookie" + name + " -m found }");
    }
  }
  return out;
}

}  // namespace leastwise::agent
