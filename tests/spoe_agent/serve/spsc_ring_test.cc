#include "serve/spsc_ring.h"

#include <gtest/gtest.h>

#include <thread>

namespace leastwise::agent {
namespace {

TEST(SpscRing, IsFirstInFirstOutAndBounded) {
  SpscRing<int> ring(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(i));
  EXPECT_FALSE(ring.push(4));
  int value = -1;
  EXPECT_TRUE(ring.pop(value));
  EXPECT_EQ(value, 0);
  EXPECT_TRUE(ring.push(4));
  for (int i = 1; i < 5; ++i) {
    EXPECT_TRUE(ring.pop(value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(ring.pop(value));
}

TEST(SpscRing, BetweenTwoThreadsNothingIsLostOrTorn) {
  struct Pair {
    std::uint64_t a = 0, b = 0;
  };
  constexpr std::uint64_t kCount = 200'000;
  SpscRing<Pair> ring(64);
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= kCount; ++i) {
      while (!ring.push({i, ~i})) std::this_thread::yield();
    }
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    Pair pair;
    while (!ring.pop(pair)) std::this_thread::yield();
    if (pair.a != i || pair.b != ~i) ++wrong;
  }
  writer.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace leastwise::agent
