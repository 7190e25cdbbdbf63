#include "spoe_agent/manual/entry.h"

#include <algorithm>

namespace leastwise::agent {
namespace {

constexpr std::string_view kFirstVersion = "0.9.0";

// A bar ends a cell of the table, also within code.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

}  // namespace

std::string entry(const std::string& name, const std::string& syntax, const std::string& standard,
                  const std::string& context, std::string_view help, bool is_new) {
  return "\n## " + name + "\n\n| Syntax | `" + cell(syntax) + "` |\n|---|---|\n| Default | " +
         standard + " |\n| Context | " + context + " |\n| Appeared in | " +
         (is_new ? "after " : "") + "version " + std::string(kFirstVersion) + " |\n\n" +
         std::string(help) + '\n';
}

std::string entry_of_help(std::string_view name, std::string_view syntax,
                          const std::string& context, std::string_view help, bool is_new) {
  constexpr std::string_view kWord = " Default: ";
  std::string standard = "—";
  if (const std::size_t at = help.find(kWord); at != help.npos) {
    const std::string_view rest = help.substr(at + kWord.size());
    const std::size_t end = std::min(rest.find(". "), rest.size());  // of its sentence
    standard = std::string(rest.substr(0, end));
    if (standard.ends_with('.')) standard.pop_back();
    const std::string_view after = end < rest.size() ? rest.substr(end + 1) : "";
    return entry(std::string(name), std::string(name) + ' ' + std::string(syntax) + ';', standard,
                 context, std::string(help.substr(0, at)) + std::string(after), is_new);
  }
  return entry(std::string(name), std::string(name) + ' ' + std::string(syntax) + ';', standard,
               context, help, is_new);
}

}  // namespace leastwise::agent
