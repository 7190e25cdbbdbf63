#define XXH_INLINE_ALL  // no further library, and no call per word
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "leastwise/prompt.h"

namespace leastwise {
namespace {

constexpr std::uint64_t kModel = 1, kSalt = 2;  // so that neither is taken for the other

}  // namespace

static_assert(sizeof(XXH64_state_t) == 88 && alignof(XXH64_state_t) <= 8);

// The state is copied in and out instead of being used in place: its type is not for our header.
PromptDigester::PromptDigester(std::uint64_t seed) noexcept : seed_(seed), key_(seed) {
  XXH64_state_t state;
  XXH64_reset(&state, seed);
  std::memcpy(running_.data(), &state, sizeof(state));
}

// Sums, so that their order does not matter.
void PromptDigester::model(std::string_view name) noexcept {
  key_ += XXH64(name.data(), name.size(), seed_ ^ kModel);
}

void PromptDigester::salt(std::string_view text) noexcept {
  key_ += XXH64(text.data(), text.size(), seed_ ^ kSalt);
}

void PromptDigester::add_point(std::uint64_t digest) noexcept {
  prompt_.digests[next_ % Prompt::kMaxPoints] = digest;
  ++next_;
}

void PromptDigester::add(std::span<const std::byte> bytes) noexcept {
  if (bytes.empty()) return;
  if (next_ == PromptPoints::kMost) {  // the rest is not digested
    prompt_.bytes = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(UINT32_MAX, std::uint64_t{prompt_.bytes} + bytes.size()));
    return;
  }
  XXH64_state_t state;
  std::memcpy(&state, running_.data(), sizeof(state));
  while (!bytes.empty() && next_ != PromptPoints::kMost) {
    const std::uint32_t to_point = PromptPoints::bytes(next_) - prompt_.bytes;
    const std::size_t n = std::min<std::size_t>(bytes.size(), to_point);
    XXH64_update(&state, bytes.data(), n);
    prompt_.bytes += static_cast<std::uint32_t>(n);
    bytes = {bytes.data() + n, bytes.size() - n};
    if (n == to_point) add_point(XXH64_digest(&state));
  }
  std::memcpy(running_.data(), &state, sizeof(state));
  add(bytes);
}

void PromptDigester::add_digest(std::uint64_t digest) noexcept {
  if (next_ < PromptPoints::kMost) add_point(digest);
}

Prompt PromptDigester::finish() const noexcept {
  Prompt prompt = prompt_;
  std::size_t points = next_;
  while (points > 0 && PromptPoints::bytes(points - 1) > prompt.bytes) --points;
  prompt.points = static_cast<std::uint8_t>(std::min<std::size_t>(points, Prompt::kMaxPoints));
  prompt.first = static_cast<std::uint8_t>(points - prompt.points);
  for (std::uint64_t& digest : prompt.digests) {
    digest = XXH64(&digest, sizeof(digest), key_);
  }
  return prompt;
}

}  // namespace leastwise
