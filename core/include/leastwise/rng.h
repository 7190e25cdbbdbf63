// SplitMix64 (Steele, Lea, Flood 2014): eight bytes of state, no seed is bad, good
// enough to pick with. Not for secrets.
#ifndef LEASTWISE_RNG_H_
#define LEASTWISE_RNG_H_

#include <cstdint>

namespace leastwise {

// Private to one thread.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // Uniform in [0, bound) to within bound/2^32, by multiply-shift (Lemire 2019).
  // REQUIRES: bound > 0.
  constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
  }

 private:
  std::uint64_t state_;
};

}  // namespace leastwise

#endif  // LEASTWISE_RNG_H_
