#include <gtest/gtest.h>

#include <array>

#include "leastwise/picker.h"
#include "leastwise/rng.h"

namespace leastwise {
namespace {

TEST(RngTest, BelowIsUniform) {
  // 70,000 draws of 7: each expected 10,000, standard deviation √(n p (1-p)) = 93; 5σ.
  Rng rng(42);
  std::array<int, 7> hits{};
  for (int i = 0; i < 70'000; ++i) ++hits[rng.below(7)];
  for (const int h : hits) EXPECT_NEAR(h, 10'000, 465);
}

TEST(RngTest, TheSameSeedGivesTheSameNumbers) {
  Rng a(7);
  Rng b(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

TEST(TriedTest, RemembersTheLastThirtyTwo) {
  Tried tried;
  EXPECT_TRUE(tried.empty());
  for (MemberIndex m = 0; m < 33; ++m) tried.insert(m);
  EXPECT_FALSE(tried.contains(0));
  for (MemberIndex m = 1; m < 33; ++m) EXPECT_TRUE(tried.contains(m));
  EXPECT_FALSE(tried.contains(33));
}

}  // namespace
}  // namespace leastwise
