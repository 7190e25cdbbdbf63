// Prompts: what a pool of model servers has in its shared memory beyond others, behind all else:
//
//   Holders | Marks[capacity] | Reading[capacity] | ResidencySet[sets]
#ifndef LEASTWISE_SRC_MEMORY_PROMPTS_H_
#define LEASTWISE_SRC_MEMORY_PROMPTS_H_

#include <array>
#include <cstddef>
#include <span>

#include "prompt/reading.h"
#include "prompt/residency.h"

namespace leastwise::state {

using Marks = std::array<Cell<Stamp>, Reading::kMarks>;

// A view; empty where the pool has no such memory.
class Prompts {
 public:
  Prompts() noexcept = default;
  // REQUIRES: memory as bytes_for() says, 64-byte aligned.
  Prompts(std::byte* memory, std::size_t capacity, std::size_t sets) noexcept;

  static std::size_t bytes_for(std::size_t capacity, std::size_t sets) noexcept;

  explicit operator bool() const noexcept { return !readings_.empty(); }
  std::span<Reading> readings() const noexcept { return readings_; }
  Residency residency() const noexcept { return {sets_, *holders_}; }
  Holders& holders() const noexcept { return *holders_; }

  // Its bit in Holders, from 0 on; above 64 servers share bits. O(1) after the first time.
  unsigned bit_of(std::size_t endpoint) const noexcept;
  void fill(std::size_t endpoint, std::uint32_t bytes, TimePoint now) const noexcept;
  // It has nothing cached any more, as far as anybody knows, and nothing to read.
  void forget(std::size_t endpoint, Stamp now) const noexcept;
  // Its place is another endpoint's now.
  void reset(std::size_t endpoint) const noexcept;

 private:
  Holders* holders_ = nullptr;
  std::span<Marks> marks_;
  std::span<Reading> readings_;
  std::span<ResidencySet> sets_;
};

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_MEMORY_PROMPTS_H_
