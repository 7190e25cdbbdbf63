// Prompt: what a request to a model server asks it to read, as far as a balancer needs it.
//
// A model server keeps what it computed for the beginnings of prompts, and does not compute it
// again. Whether two prompts begin alike is told by digests of their beginnings, at lengths that
// grow by a quarter each: O(log n) of them, and what is cached is known to a fifth of it. Of the
// text itself nothing is kept.
#ifndef LEASTWISE_PROMPT_H_
#define LEASTWISE_PROMPT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace leastwise {

// Lengths at which a beginning is digested: 256 · 1.25^k bytes, rounded down.
class PromptPoints {
 public:
  static constexpr std::size_t kMost = 36;  // the last is 630,986 bytes

  // REQUIRES: k < kMost.
  static constexpr std::uint32_t bytes(std::size_t k) noexcept { return kBytes[k]; }

 private:
  static constexpr std::array<std::uint32_t, kMost> kBytes = [] {
    std::array<std::uint32_t, kMost> bytes{};
    double at = 256;
    for (auto& b : bytes) {
      b = static_cast<std::uint32_t>(at);
      at *= 1.25;
    }
    return bytes;
  }();
};

struct Prompt {
  // Of a prompt longer than 43 KB the last 24 points, since more of it may be cached.
  static constexpr std::size_t kMaxPoints = 24;

  // Point i: its digest, and how many bytes it covers.
  std::uint64_t digest(std::size_t i) const noexcept { return digests[(first + i) % kMaxPoints]; }
  std::uint32_t length(std::size_t i) const noexcept { return PromptPoints::bytes(first + i); }

  std::array<std::uint64_t, kMaxPoints> digests{};  // a ring: see digest()
  std::uint8_t points = 0;                          // how many there are,
  std::uint8_t first = 0;                           // from this of PromptPoints on
  std::uint32_t bytes = 0;                          // length of the whole prompt
  std::uint32_t max_tokens = 0;                     // of the answer; 0: unknown
};

// Digests a prompt as it streams by, in O(1) memory. Plain data, about 0.4 KiB: the caller keeps it
// with the request. model(), salt() and max_tokens() may come at any time before finish(): in JSON
// they may stand behind the prompt.
//
// The seed is to be a secret of this instance: digests of known texts can then not be recognized,
// nor can texts be made whose digests meet.
class PromptDigester {
 public:
  explicit PromptDigester(std::uint64_t seed) noexcept;

  // What else has to be alike for a beginning to be cached.
  void model(std::string_view name) noexcept;
  void salt(std::string_view text) noexcept;
  void max_tokens(std::uint32_t tokens) noexcept { prompt_.max_tokens = tokens; }

  // The next bytes of the prompt. O(bytes).
  void add(std::span<const std::byte> bytes) noexcept;
  void add(std::string_view text) noexcept { add(std::as_bytes(std::span(text))); }

  // In place of add(), for who is told digests and has not the text (HAProxy's `xxh64`, of the
  // first PromptPoints::bytes(k) bytes, k from 0 on): the next digest in turn. Points after those
  // that lie within length() are ignored.
  void add_digest(std::uint64_t digest) noexcept;
  void length(std::uint32_t bytes) noexcept { prompt_.bytes = bytes; }

  // May be called again, after more.
  Prompt finish() const noexcept;

 private:
  void add_point(std::uint64_t digest) noexcept;

  Prompt prompt_;
  std::uint64_t seed_, key_;
  std::uint8_t next_ = 0;                         // of PromptPoints
  alignas(8) std::array<std::byte, 88> running_;  // XXH64's state
};

}  // namespace leastwise

#endif  // LEASTWISE_PROMPT_H_
