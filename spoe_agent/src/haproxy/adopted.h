// What of Leastwise a haproxy.cfg has already, so that nothing is printed for it twice.
#ifndef LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTED_H_
#define LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTED_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "haproxy/haproxy_file.h"

namespace leastwise::agent {

// Its own `filter spoe` for us; nullptr if there is none. Filters for other agents are not ours.
const HaproxyLine* our_filter(const HaproxySection& section) noexcept;
std::string_view engine_of(const HaproxyLine& filter) noexcept;

// The SPOE file that filters of ours name, if the path is absolute; empty if there is none.
std::string_view spoe_file_in(std::span<const HaproxySection> file) noexcept;

// The names of the engines in an SPOE file.
std::vector<std::string> engines_in(std::string_view spoe_text);

// A `log` line to the agent, which listens at `feedback`.
bool is_our_log(const HaproxyLine& line, std::string_view feedback) noexcept;
bool has_our_log(const HaproxySection& frontend, std::string_view feedback) noexcept;

// Whether a line of the section itself begins with these words.
bool has_line(const HaproxySection& section,
              std::initializer_list<std::string_view> first) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_HAPROXY_ADOPTED_H_
