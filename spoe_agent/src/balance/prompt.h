// Prompt: made of what HAProxy says of a request's body. Its digests are of the body as it is, not
// of the prompt's values as with nginx: HAProxy 2.6 has no converter that finds them in an array.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_PROMPT_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_PROMPT_H_

#include <optional>

#include "leastwise/prompt.h"
#include "spop/pick_message.h"

namespace leastwise::agent {

// Digests of HAProxy have no seed: those of known texts can be recognized in a message, which no
// one but HAProxy and the agent sees. In the pool they are sealed with a secret of this process.
std::optional<Prompt> prompt_of(const spop::PromptDigests& said, std::uint64_t secret) noexcept;

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_PROMPT_H_
