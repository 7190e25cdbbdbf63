// The manual pages leastwise-spoa(8) and leastwise.conf(5): what the options and the settings say,
// and the words around.
#ifndef LEASTWISE_TESTS_SPOE_AGENT_MANUAL_PAGES_H_
#define LEASTWISE_TESTS_SPOE_AGENT_MANUAL_PAGES_H_

#include <string>
#include <string_view>

namespace leastwise::agent {

std::string command_page();        // leastwise-spoa(8)
std::string configuration_page();  // leastwise.conf(5)
std::string reference_page();      // docs/reference_agent.md

}  // namespace leastwise::agent

#endif  // LEASTWISE_TESTS_SPOE_AGENT_MANUAL_PAGES_H_
