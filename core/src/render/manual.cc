#include <array>

#include "leastwise/status_page.h"

namespace leastwise {

void render_directives(Text& out) noexcept {
  out << "# Directives\n\n"
         "Printed from the table in `core/src/tune/directives.cc`; a test compares.\n"
         "nginx: inside `upstream {}`, with the prefix `leastwise_` (`policy` is the argument of\n"
         "`leastwise` itself). Agent: inside `backend NAME {}`, without prefix.\n";
  for (const Directive& d : directives()) {
    std::array<char, 256> buffer;
    Text what(buffer);
    accepted(d, what);
    out << "\n## " << d.name << "\n\n- Syntax: `";
    if (d.name == "policy") {
      out << "leastwise [" << d.syntax << "];";
    } else {
      out << "leastwise_" << d.name << ' ' << d.syntax << ';';
    }
    out << "` in nginx";
    if (d.scope == Scope::kBoth) {
      out << ", `" << d.name << ' ' << (d.agent_syntax.empty() ? d.syntax : d.agent_syntax)
          << ";` in the agent";
    }
    out << "\n- Accepted: " << what.view() << "\n- Default: " << d.standard << "\n\n"
        << d.help << '\n';
  }
  out << "\n## Policies\n\n| policy | rule |\n|---|---|\n";
  for (const Policy* p : policies()) out << "| `" << p->name << "` | " << p->summary << " |\n";
}

}  // namespace leastwise
