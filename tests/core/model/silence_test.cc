#include "model/silence.h"

#include <gtest/gtest.h>

namespace leastwise {
namespace {

TEST(SilenceTest, LastsFromTheFirstLook) {
  Silence s;
  s.look(7, 100, 1000);
  s.look(7, 149, 9000);
  EXPECT_EQ(s.lasts_answers(149), 49U);
  EXPECT_EQ(s.lasts_ms(9000), 8000);
}

TEST(SilenceTest, AnAnswerBreaksIt) {
  Silence s;
  s.look(7, 0, 1000);
  s.look(8, 100, 4000);
  EXPECT_EQ(s.lasts_answers(100), 0U);
  s.look(8, 149, 9000);
  EXPECT_EQ(s.lasts_answers(149), 49U);
  EXPECT_EQ(s.lasts_ms(9000), 5000);
}

TEST(SilenceTest, AClockThatGoesBackBeginsItAnew) {
  Silence s;
  s.look(7, 0, 10'000);
  s.look(7, 100, 5000);
  EXPECT_EQ(s.lasts_answers(150), 50U);
  EXPECT_EQ(s.lasts_ms(7000), 2000);
}

}  // namespace
}  // namespace leastwise
