#include "balance/prompt.h"

#include <algorithm>

namespace leastwise::agent {

static_assert(spop::PromptDigests::kMost == PromptPoints::kMost);

std::optional<Prompt> prompt_of(const spop::PromptDigests& said, std::uint64_t secret) noexcept {
  if (said.seen == 0) return std::nullopt;
  PromptDigester digester(secret);
  if (!said.model.empty()) digester.model(said.model);
  if (!said.salt.empty()) digester.salt(said.salt);
  digester.max_tokens(said.max_tokens);
  // One whose length is beyond what HAProxy had is a digest of all that it had.
  for (std::size_t k = 0; k < said.count && PromptPoints::bytes(k) <= said.seen; ++k) {
    digester.add_digest(said.digests[k]);
  }
  digester.length(std::max(said.seen, said.whole));
  return digester.finish();
}

}  // namespace leastwise::agent
