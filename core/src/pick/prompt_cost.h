// Prompt cost: seconds that a prompt costs on each model server, its own and those of others.
#ifndef LEASTWISE_SRC_PICK_PROMPT_COST_H_
#define LEASTWISE_SRC_PICK_PROMPT_COST_H_

#include <array>
#include <cstdint>

#include "memory/prompts.h"
#include "pick/pick_context.h"

namespace leastwise {

// Of a prompt that is cached, the question is not, and whatever it is it takes a step of the
// server, in which that much could be read. With less the pace was that of steps, not of bytes.
inline constexpr std::uint32_t kLeastBytes = 512;
// A prompt, however short, costs its server that much more than its bytes: to take it in, and the
// step that its first token comes of. Else who reads short prompts alone, or such as are cached,
// seems to need that for each few hundred bytes, and a prompt as long as any for ages.
inline constexpr std::uint32_t kEachBytes = 1024;
inline constexpr std::uint32_t kUsualPromptBytes = 4096;  // of a prompt, before any was seen
inline constexpr float kUsualPace = 2.5e-5F;  // seconds a byte, the same: 10,000 tokens/s

// What is counted of a prompt of which so much is not cached.
constexpr std::uint32_t work_of(std::uint32_t uncached) noexcept { return uncached + kEachBytes; }

// What a model server is doing as this prompt comes.
struct Reader {
  float cached = 0;    // bytes of the prompt, as far as that is likely
  float uncached = 0;  // bytes
  float pending = 0;   // work of others, in bytes, that it has before
  float waiting = 0;   // prompts of which that is,
  float writing = 0;   // and answers that are being written
  float pace = 0;      // seconds a byte
  float writes = 0;    // seconds to write a usual answer; 0: unknown
};

// Of all candidates, in their order. O(candidates + points).
class Readers {
 public:
  Readers(const PickContext& context, const state::Prompts& prompts) noexcept;

  const Reader& operator[](std::size_t at) const noexcept { return readers_[at]; }
  // Part of the time in which a server of the pool has something to read.
  float busy() const noexcept { return busy_; }
  // Seconds that the prompt costs on that one.
  float cost(std::size_t at) const noexcept;

 private:
  void look_up(const PickContext& context, const state::Prompts& prompts) noexcept;
  void learn_paces(const PickContext& context, const state::Prompts& prompts) noexcept;

  std::array<Reader, PickContext::kMost> readers_;
  float busy_ = 0;
  float least_ = 0;  // uncached
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_PICK_PROMPT_COST_H_
