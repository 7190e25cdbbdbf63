// Text: a prompt as pieces that others may share, in bytes. Its content is never made up: two
// beginnings are alike when they are made of the same pieces.
#ifndef LEASTWISE_TESTS_SIM_INFERENCE_TEXT_H_
#define LEASTWISE_TESTS_SIM_INFERENCE_TEXT_H_

#include <cstdint>
#include <vector>

#include "leastwise/prompt.h"

namespace leastwise::sim {

inline constexpr std::uint32_t kTokenBytes = 4;
inline constexpr std::uint32_t kBlockBytes = 64;  // 16 tokens, as vLLM's

struct Piece {
  std::uint64_t id;
  std::uint32_t bytes;
};

constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t z = (a ^ (b + 0x9e3779b97f4a7c15)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 29)) * 0x94d049bb133111eb;
  return z ^ (z >> 32);
}

class Text {
 public:
  void add(Piece piece) {
    pieces_.push_back(piece);
    bytes_ += piece.bytes;
  }
  std::uint32_t bytes() const noexcept { return bytes_; }
  std::uint32_t tokens() const noexcept { return bytes_ / kTokenBytes; }

  // Calls `at` with what stands for the first `next` bytes, for next = first, and then whatever
  // `at` returns, while that is within the text. REQUIRES: it grows.
  template <typename At>
  void walk(std::uint32_t next, At at) const {
    std::uint64_t before = 1;
    std::uint32_t begin = 0;
    for (const Piece& piece : pieces_) {
      while (next <= begin + piece.bytes) next = at(mix(mix(before, piece.id), next - begin));
      before = mix(mix(before, piece.id), piece.bytes);
      begin += piece.bytes;
    }
  }

  // Of each whole block, what stands for all up to its end.
  std::vector<std::uint64_t> blocks(std::uint32_t block_bytes = kBlockBytes) const {
    std::vector<std::uint64_t> all;
    all.reserve(bytes_ / block_bytes);
    walk(block_bytes, [&](std::uint64_t hash) {
      all.push_back(hash);
      return static_cast<std::uint32_t>(all.size() + 1) * block_bytes;
    });
    return all;
  }

  Prompt prompt() const {
    PromptDigester digester(1);
    std::size_t k = 0;
    walk(PromptPoints::bytes(0), [&](std::uint64_t hash) {
      digester.add_digest(hash);
      return ++k < PromptPoints::kMost ? PromptPoints::bytes(k) : UINT32_MAX;
    });
    digester.length(bytes_);
    return digester.finish();
  }

 private:
  std::vector<Piece> pieces_;
  std::uint32_t bytes_ = 0;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_INFERENCE_TEXT_H_
