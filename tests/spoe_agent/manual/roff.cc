#include "spoe_agent/manual/roff.h"

namespace leastwise::agent {
namespace {

constexpr std::string_view kDate = "2026-11-29";

std::string bold(std::string_view text) { return "\\fB" + to_roff(text) + "\\fR"; }

}  // namespace

std::string page_head(std::string_view name, std::string_view section, std::string_view what) {
  std::string out = R"(.\" Printed from the program's own tables: spoe_agent.manual.pages_test)"
                    "\n";
  out += ".TH " + std::string(name) + ' ' + std::string(section) + ' ' + std::string(kDate) +
         " Leastwise Leastwise\n.SH NAME\n";
  std::string lower;
  for (const char c : name) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out + to_roff(lower) + " \\- " + to_roff(what) + '\n';
}

std::string term(const std::string& name, std::string_view value, std::string_view end) {
  std::string out = ".TP\n" + bold(name);
  if (!value.empty()) out += " \\fI" + to_roff(value) + "\\fR";
  return out + std::string(end) + '\n';
}

std::string paragraph(std::string_view text) { return ".PP\n" + to_roff(text) + '\n'; }

std::string option_text(const CLI::Option& o) {
  std::string names = o.nonpositional() ? o.get_name(false, true) : o.get_name(true);
  for (std::size_t at = 0; (at = names.find(',', at)) != std::string::npos; at += 2) {
    names.replace(at, 1, ", ");
  }
  return term(names, o.get_option_text()) + to_roff(o.get_description()) + ".\n";
}

std::string to_roff(std::string_view text) {
  std::string out;
  bool is_code = false;
  for (const char c : text) {
    if (c == '`') {
      out += (is_code = !is_code) ? "\\fB" : "\\fR";
    } else if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '^') {
      out += "\\(ha";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace leastwise::agent
