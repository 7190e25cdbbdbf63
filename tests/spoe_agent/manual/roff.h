// What manual pages are made of: man(7).
#ifndef LEASTWISE_TESTS_SPOE_AGENT_MANUAL_ROFF_H_
#define LEASTWISE_TESTS_SPOE_AGENT_MANUAL_ROFF_H_

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

namespace leastwise::agent {

// Text with `code` as a paragraph.
std::string to_roff(std::string_view text);

// The lines before the synopsis.
std::string page_head(std::string_view name, std::string_view section, std::string_view what);
// What is explained: a name, a value, and what comes after both.
std::string term(const std::string& name, std::string_view value, std::string_view end = "");
std::string paragraph(std::string_view text);
// Of the command line, with its words.
std::string option_text(const CLI::Option& option);

}  // namespace leastwise::agent

#endif  // LEASTWISE_TESTS_SPOE_AGENT_MANUAL_ROFF_H_
