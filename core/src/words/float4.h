// Four floats at once, by the compiler's vector extension: SSE on x86, NEON on ARM.
//
// Operators work lane by lane, `mask ? a : b` too; a float beside a Float4 counts for each lane.
#ifndef LEASTWISE_SRC_WORDS_FLOAT4_H_
#define LEASTWISE_SRC_WORDS_FLOAT4_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "words/cell.h"

namespace leastwise {

using Float4 = float __attribute__((vector_size(16)));
inline constexpr std::size_t kFour = 4;

// Lane k is of(k).
template <typename Of>
[[gnu::always_inline]] inline Float4 gather(Of of) noexcept {
  return Float4{of(0), of(1), of(2), of(3)};
}

inline Float4 four_of(float x) noexcept { return Float4{x, x, x, x}; }

// Four neighbours in shared memory, each whole, though not of one instant: relaxed atomic loads,
// in one instruction. C++ has none of 16 bytes, and a compiler makes two instructions of each of
// four; but no processor tears an aligned vector within a word (Intel SDM 3A 9.1.1; Arm ARM
// B2.2.1). REQUIRES: `first` is 16-byte aligned and three more follow it.
[[gnu::always_inline]] inline Float4 get_four(const Cell<float>* first) noexcept {
#if defined(__SANITIZE_THREAD__)
  return gather([=](std::size_t k) { return first[k].get(); });
#else
  // may_alias: the memory holds cells, which are floats and nothing else.
  using Aliased = float __attribute__((vector_size(16), may_alias));
  return *reinterpret_cast<const volatile Aliased*>(first);
#endif
}

inline void put_four(float* first, Float4 values) noexcept {
  std::memcpy(first, &values, sizeof values);
}

// Row k becomes lane k of each.
struct Columns {
  Float4 a, b, c, d;
};
[[gnu::always_inline]] inline Columns transpose(const std::array<Float4, kFour>& rows) noexcept {
  const Float4 ab01 = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
  const Float4 cd01 = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
  const Float4 ab23 = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
  const Float4 cd23 = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
  return {__builtin_shufflevector(ab01, ab23, 0, 1, 4, 5),
          __builtin_shufflevector(ab01, ab23, 2, 3, 6, 7),
          __builtin_shufflevector(cd01, cd23, 0, 1, 4, 5),
          __builtin_shufflevector(cd01, cd23, 2, 3, 6, 7)};
}

inline constexpr unsigned kAllFour = 15;
// Bit k: whether lane k of a is less than b. GCC makes no such instruction of the shape beside it.
[[gnu::always_inline]] inline unsigned less(Float4 a, float b) noexcept {
#if defined(__SSE__)
  return static_cast<unsigned>(__builtin_ia32_movmskps(reinterpret_cast<Float4>(a < b)));
#else
  using Bits = std::uint32_t __attribute__((vector_size(16)));
  const Bits bits = reinterpret_cast<Bits>(a < b) & Bits{1, 2, 4, 8};
  return bits[0] | bits[1] | bits[2] | bits[3];
#endif
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_WORDS_FLOAT4_H_
