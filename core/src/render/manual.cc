#include <algorithm>
#include <array>

#include "leastwise/status_page.h"

// docs/directives.md, in the form of nginx's own manual.
namespace leastwise {
namespace {

constexpr std::string_view kHead =
    "# Directives of nginx and the agent\n\n"
    "Printed from the table in `core/src/tune/directives.cc`; a test compares. In nginx they stand "
    "in `upstream {}` and\n"
    "have the prefix `leastwise_`; `policy` is the argument of `leastwise` itself. In the agent "
    "they stand in\n"
    "`backend NAME {}`, without prefix. [Directives of nginx alone](reference_nginx.md), [settings "
    "of the agent alone](reference_agent.md).\n";

constexpr std::string_view kFirstVersion = "0.9.0";

// A directive of a later version stands here with it.
constexpr std::string_view since(std::string_view) noexcept { return kFirstVersion; }

// Where it may stand in nginx.
constexpr std::string_view context(std::string_view name) noexcept {
  if (name == "failure") return "upstream in http";
  if (name == "report") return "upstream in http; in stream with `scrape` only";
  return "upstream in http, stream";
}

// A default that can be written down as a value; others are told in words.
bool is_value(std::string_view standard) noexcept {
  return standard != "none" && std::ranges::find(standard, ' ') == standard.end();
}

void name_in_nginx(const Directive& d, Text& out) noexcept {
  out << "leastwise";
  if (d.name != "policy") out << '_' << d.name;
}

void row(std::string_view title, Text& out) noexcept { out << "| " << title << " | "; }

// A bar ends a cell of the table, also within code.
void cell(std::string_view text, Text& out) noexcept {
  for (const char c : text) {
    if (c == '|') out << '\\';
    out << c;
  }
}

void render_default(const Directive& d, Text& out) noexcept {
  row("Default", out);
  if (d.name == "policy") {
    out << "`leastwise " << d.standard << ";`, where `leastwise` is";
  } else if (is_value(d.standard)) {
    out << '`';
    name_in_nginx(d, out);
    out << ' ' << d.standard << ";`";
  } else {
    out << "— (" << d.standard << ')';
  }
  out << " |\n";
}

void render_directive(const Directive& d, Text& out) noexcept {
  std::array<char, 256> buffer;
  Text what(buffer);
  accepted(d, what);
  const bool is_policy = d.name == "policy";
  out << "\n## " << d.name << "\n\n| Syntax | `";
  name_in_nginx(d, out);
  out << ' ' << (is_policy ? "[" : "");
  cell(d.syntax, out);
  out << (is_policy ? "];` |\n" : ";` |\n") << "|---|---|\n";
  render_default(d, out);
  row("Context", out);
  out << context(d.name) << " |\n";
  row("Agent", out);
  if (d.scope == Scope::kBoth) {
    out << '`' << d.name << ' ';
    cell(d.agent_syntax.empty() ? d.syntax : d.agent_syntax, out);
    out << ";` in `backend`";
  } else {
    out << "—";
  }
  out << " |\n";
  row("Accepted", out);
  cell(what.view(), out);
  out << " |\n";
  row("Appeared in", out);
  out << "version " << since(d.name) << " |\n\n" << d.help << '\n';
}

}  // namespace

void render_directives(Text& out) noexcept {
  out << kHead;
  for (const Directive& d : directives()) render_directive(d, out);
  out << "\n## Policies\n\n| policy | rule |\n|---|---|\n";
  for (const Policy* p : policies()) out << "| `" << p->name << "` | " << p->summary << " |\n";
}

}  // namespace leastwise
