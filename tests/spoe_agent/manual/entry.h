// A directive as nginx's own manual has it: Syntax, Default, Context, "Appeared in".
#ifndef LEASTWISE_TESTS_SPOE_AGENT_MANUAL_ENTRY_H_
#define LEASTWISE_TESTS_SPOE_AGENT_MANUAL_ENTRY_H_

#include <string>
#include <string_view>

namespace leastwise::agent {

// `is_new`: since the last release.
std::string entry(const std::string& name, const std::string& syntax, const std::string& standard,
                  const std::string& context, std::string_view help, bool is_new = false);

// NAME SYNTAX; with a help that ends with "Default: …", or has none.
std::string entry_of_help(std::string_view name, std::string_view syntax,
                          const std::string& context, std::string_view help, bool is_new = false);

}  // namespace leastwise::agent

#endif  // LEASTWISE_TESTS_SPOE_AGENT_MANUAL_ENTRY_H_
