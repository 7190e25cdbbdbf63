// Random: xorshift128+ (Vigna 2017), seeded by SplitMix64. The simulator's own generator
// and not the core's: what a seed means must not change with the code under test.
#ifndef LEASTWISE_TESTS_SIM_ENGINE_RANDOM_H_
#define LEASTWISE_TESTS_SIM_ENGINE_RANDOM_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace leastwise::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{mix(seed), mix(seed + 0x9e3779b97f4a7c15)} {}

  std::uint64_t next() {
    std::uint64_t a = state_[0];
    const std::uint64_t b = state_[1];
    state_[0] = b;
    a ^= a << 23;
    state_[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return state_[1] + b;
  }

  // In the open interval (0, 1).
  double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }
  // In [0, bound). REQUIRES: bound > 0.
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
  }
  double exponential(double mean) { return -mean * std::log(uniform()); }
  // Standard normal (Box and Muller 1958).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::array<std::uint64_t, 2> state_;
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_RANDOM_H_
