#include "model/silence.h"

#include <gtest/gtest.h>

namespace leastwise {
namespace {

TEST(SilenceTest, LastsSoManyAnswersOfThePool) {
  Silence s;
  EXPECT_FALSE(s.is_over(7, 100, 50, 1000));
  EXPECT_FALSE(s.is_over(7, 149, 50, 9000));
  EXPECT_TRUE(s.is_over(7, 150, 50, 9000));
  EXPECT_EQ(s.lasts_ms(9000), 8000);
}

TEST(SilenceTest, AnAnswerBreaksIt) {
  Silence s;
  EXPECT_FALSE(s.is_over(7, 0, 50, 1000));
  EXPECT_FALSE(s.is_over(8, 100, 50, 4000));
  EXPECT_FALSE(s.is_over(8, 149, 50, 9000));
  EXPECT_TRUE(s.is_over(8, 150, 50, 9000));
}

TEST(SilenceTest, AClockThatGoesBackBeginsItAnew) {
  Silence s;
  EXPECT_FALSE(s.is_over(7, 0, 50, 10'000));
  EXPECT_FALSE(s.is_over(7, 100, 50, 5000));
  EXPECT_TRUE(s.is_over(7, 150, 50, 7000));
}

}  // namespace
}  // namespace leastwise
