#include "balance/learning_watch.h"

#include <gtest/gtest.h>

namespace leastwise::agent {
namespace {

class Watch : public testing::Test {
 protected:
  // A window of 1,244 picks that all have their line, but for what the test changes.
  void serve(unsigned picks, unsigned expired) {
    picks_.asked.add(picks);
    picks_.picked.add(picks);
    feedback_.expired.add(expired);
    feedback_.by_log.add(picks - expired);
    feedback_.lines.add(picks - expired);
    feedback_.as_picked.add(picks - expired);
  }
  std::string look() {
    watch_.look(now_ += LearningWatch::kWindow);
    std::string all;
    for (const auto& w : watch_.warnings()) all += w.name + ": " + w.text + '\n';
    return all;
  }

  PickCounters picks_;
  FeedbackCounters feedback_;
  LearningWatch watch_{picks_, feedback_};
  TimePoint now_{std::chrono::hours(1)};
};

TEST_F(Watch, SaysNothingWhileAllIsWell) {
  for (int i = 0; i < 5; ++i) {
    serve(1000, 20);
    EXPECT_EQ(look(), "");
  }
}

TEST_F(Watch, LinesThatAreLeftOutAreMissed) {
  serve(1244, 1068);
  EXPECT_EQ(look(),
            "no_lines: no log line came for 1,068 of 1,244 picks: is \"option dontlog-normal\" or "
            "\"dontlognull\" set, or a \"sample\" on the \"log\" line?\n");
  serve(1000, 10);
  EXPECT_EQ(look(), "") << "and it is over";
}

TEST_F(Watch, WithoutAnyLineTheLogIsLookedFor) {
  serve(100, 100);
  EXPECT_NE(look().find("no line came at all; is the frontend's \"log\" line there"),
            std::string::npos);
}

TEST_F(Watch, LinesOfAnotherFormAreTold) {
  serve(100, 100);
  feedback_.foreign.add(100);
  EXPECT_NE(look().find("100 of 100 lines are not ours"), std::string::npos);
}

TEST_F(Watch, LinesWithOtherIdsAreTold) {
  serve(100, 100);
  feedback_.lines.add(100);
  feedback_.unknown.add(100);
  EXPECT_NE(look().find("100 of 100 lines are about ids"), std::string::npos);
}

TEST_F(Watch, LateLinesAreNotMissing) {
  serve(100, 60);
  feedback_.late.add(55);
  EXPECT_EQ(look(), "");
}

TEST_F(Watch, RepeatedAndMissingIdsAreTold) {
  serve(100, 0);
  feedback_.duplicates.add(35);
  picks_.untracked.add(40);
  const std::string all = look();
  EXPECT_NE(all.find("repeated_ids: 35 of 100 picks"), std::string::npos) << all;
  EXPECT_NE(all.find("no_ids: 40 of 100 picks"), std::string::npos) << all;
}

TEST_F(Watch, BackendsThatAreNotConfiguredAreTold) {
  picks_.asked.add(80);
  picks_.unknown_backend.add(80);
  EXPECT_NE(look().find("unknown_backend: 80 of 80 questions"), std::string::npos);
}

TEST_F(Watch, PicksThatAreNotFollowedAreTold) {
  serve(100, 0);
  feedback_.elsewhere.add(300);
  EXPECT_NE(look().find("not_decided: HAProxy used another server for 300 of 400 picks"),
            std::string::npos);
}

TEST_F(Watch, FewRequestsAreGatheredUntilTheySayEnough) {
  for (int i = 0; i < 4; ++i) {
    serve(10, 10);
    EXPECT_EQ(look(), "");
  }
  serve(10, 10);
  EXPECT_NE(look().find("50 of 50 picks"), std::string::npos);
}

}  // namespace
}  // namespace leastwise::agent
