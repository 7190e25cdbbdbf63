#include <gtest/gtest.h>

#include <map>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

class TwoChoicesTest : public PoolFixture {
 protected:
  void SetUp() override { use("two_choices"); }
};

TEST_F(TwoChoicesTest, EveryPairIsDrawnEquallyOften) {
  make({1, 1, 1, 1});
  // 12,000 draws over 6 pairs: 2,000 each, σ = √(n p (1-p)) = 41; 5σ. The winner and the
  // runner-up are the pair; all are finished, so that ties decide.
  std::map<std::pair<MemberIndex, MemberIndex>, int> pairs;
  for (int i = 0; i < 12'000; ++i) {
    const Ticket t = pick();
    ++pairs[std::minmax(t.member, t.second)];
    finish(t);
  }
  ASSERT_EQ(pairs.size(), 6U);
  for (const auto& [pair, hits] : pairs) EXPECT_NEAR(hits, 2'000, 205);
}

TEST_F(TwoChoicesTest, TheMostLoadedIsNotFarFromTheMean) {
  make(std::vector<int>(50, 1));
  // Mean 20; one random choice would have a maximum near 20 + √(2·20·ln 50) = 32.5.
  for (const int h : spread(1000)) EXPECT_LE(h, 24);
}

TEST_F(TwoChoicesTest, OneServerNeedsNoChoice) {
  make({1});
  EXPECT_EQ(pick().member, 0U);
}

}  // namespace
}  // namespace leastwise
