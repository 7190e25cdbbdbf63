// What the log is told of sharing, second by second.
#include "share/trouble_news.h"

#include <gtest/gtest.h>

namespace leastwise::agent {
namespace {

using Well = TroubleNews::Well;

TimePoint at(int second) { return TimePoint(std::chrono::hours(1) + std::chrono::seconds(second)); }

TEST(TroubleNews, SaysOnceThatAllIsWell) {
  TroubleNews news;
  EXPECT_EQ(news.well(at(0)), Well::kFirst);
  for (int s = 1; s < 100; ++s) EXPECT_EQ(news.well(at(s)), Well::kNoNews);
}

TEST(TroubleNews, SaysACauseOnceAMinuteAlsoWhereTwoTakeTurns) {
  TroubleNews news;
  news.well(at(0));
  int a = 0, b = 0;
  for (int s = 1; s <= 120; s += 2) {
    a += news.trouble("a", at(s)) ? 1 : 0;
    b += news.trouble("b", at(s + 1)) ? 1 : 0;
  }
  EXPECT_EQ(a, 2);
  EXPECT_EQ(b, 2);
}

TEST(TroubleNews, SaysACauseThatComesBackAfterARecoveryThatWasTold) {
  TroubleNews news;
  EXPECT_TRUE(news.trouble("a", at(0)));
  EXPECT_EQ(news.well(at(2)), Well::kFirst);
  EXPECT_TRUE(news.trouble("a", at(4)));
  EXPECT_EQ(news.well(at(6)), Well::kAgain);
  EXPECT_TRUE(news.trouble("a", at(8)));
  EXPECT_TRUE(news.trouble("b", at(9)));
  EXPECT_FALSE(news.trouble("a", at(10)));
}

TEST(TroubleNews, KeepsARecoveryBackThatFollowsAnotherSoonAndSaysItIfItLasts) {
  TroubleNews news;
  news.well(at(0));
  news.trouble("a", at(1));
  EXPECT_EQ(news.well(at(2)), Well::kAgain);
  EXPECT_TRUE(news.trouble("a", at(3)));
  for (int s = 4; s < 12; ++s) EXPECT_EQ(news.well(at(s)), Well::kNoNews);
  EXPECT_EQ(news.well(at(12)), Well::kAgain);
  EXPECT_EQ(news.well(at(13)), Well::kNoNews);
}

// Troubles after 1, 3, 13, …, 93 seconds and recoveries after 2, 12, …, 92: 11 and 10.
TEST(TroubleNews, SaysTwoLinesInTenSecondsOfWhatFlapsEachSecond) {
  TroubleNews news;
  news.well(at(0));
  int lines = 0;
  bool is_told_well = true;
  for (int s = 1; s <= 100; ++s) {
    const bool is_well = s % 2 == 0;
    const bool is_line = is_well ? news.well(at(s)) != Well::kNoNews : news.trouble("a", at(s));
    if (is_line) is_told_well = is_well;
    if (!is_well) {
      EXPECT_FALSE(is_told_well) << s;
    }
    lines += is_line ? 1 : 0;
  }
  EXPECT_EQ(lines, 21);
}

TEST(TroubleNews, SaysEightCausesAtMostUntilARecovery) {
  TroubleNews news;
  int lines = 0;
  for (int i = 0; i < 50; ++i) lines += news.trouble(std::to_string(i), at(i)) ? 1 : 0;
  EXPECT_EQ(lines, 8);
  EXPECT_EQ(news.well(at(50)), Well::kFirst);
  EXPECT_TRUE(news.trouble("49", at(51)));
}

}  // namespace
}  // namespace leastwise::agent
