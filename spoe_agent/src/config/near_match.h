// The name that was probably meant.
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_NEAR_MATCH_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_NEAR_MATCH_H_

#include <span>
#include <string_view>

namespace leastwise::agent {

// The one of `names` that is the fewest insertions, deletions and replacements away from
// `word`: at most two, and less than half of the word. Empty if there is none.
std::string_view near_match(std::string_view word, std::span<const std::string_view> names);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_NEAR_MATCH_H_
