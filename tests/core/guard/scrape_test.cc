#include "leastwise/scrape.h"

#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr ProbeResult kPass{};
constexpr ProbeResult kRefused{ProbeFault::kRefused};

LoadReport says(float utilisation) {
  return {.state = LoadReport::State::kGood, .cpu = utilisation, .utilisation = utilisation};
}

class ScrapeTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("least_conn");
    for (const char* word : {"scrape", "/metrics", "preset=node_exporter"}) {
      ASSERT_TRUE(set(config_, *find_directive("report"), word).ok());
    }
    ASSERT_TRUE(complete(config_.scrape).ok());
  }
  ProbeChange note(std::size_t member, const LoadReport& report, ProbeResult result = kPass) {
    return pool_.note_scrape(members_[member].id, result, report, config_, now_);
  }
};

TEST_F(ScrapeTest, AFullServerIsDearerWithoutARequest) {
  make({1, 1, 1});
  for (std::size_t m = 0; m < 3; ++m) note(m, says(m == 2 ? 0.9F : 0.2F));
  tick();
  EXPECT_EQ(view(0).report_factor, 1);
  EXPECT_EQ(view(2).report_factor, 2);
  EXPECT_NEAR(view(2).reported_cpu, 0.9, 0.01);
  const std::vector<int> hits = spread(90);
  EXPECT_NEAR(hits[2], 18, 2);
}

TEST_F(ScrapeTest, AReportCountsUntilTheThirdThatWasDueHasNotCome) {
  ASSERT_TRUE(set(config_.scrape, "interval=5s").ok());
  make({1, 1, 1});
  for (std::size_t m = 0; m < 3; ++m) note(m, says(m == 2 ? 0.9F : 0.2F));
  now_ += 14s;
  tick();
  EXPECT_EQ(view(2).report_factor, 2);
  now_ += 2s;
  tick();
  EXPECT_EQ(view(2).report_factor, 1);
  EXPECT_EQ(view(2).reported_utilisation, LoadReport::kUnknown);
}

TEST_F(ScrapeTest, WhatWaitsAndRunsIsShownAsLongAsItIsFresh) {
  make({1, 1});
  EXPECT_EQ(view(0).waiting, LoadReport::kUnknown);
  LoadReport report = says(0.5F);
  report.waiting = 3;
  report.running = 70000;
  note(0, report);
  EXPECT_EQ(view(0).waiting, 3);
  EXPECT_EQ(view(0).running, 65534) << "the most that is told";
  EXPECT_EQ(view(1).running, LoadReport::kUnknown);
  now_ += 4s;
  EXPECT_EQ(view(0).waiting, LoadReport::kUnknown);
}

TEST_F(ScrapeTest, ItIsToldOnceThatLoadIsNotKnownAndOnceThatItIsAgain) {
  make({1, 1});
  EXPECT_EQ(note(0, says(0.1F)), ProbeChange::kFirstPass);
  for (const ProbeChange change : {ProbeChange::kNone, ProbeChange::kNone, ProbeChange::kDown,
                                   ProbeChange::kNone, ProbeChange::kNone}) {
    EXPECT_EQ(note(0, {}, kRefused), change);
  }
  EXPECT_TRUE(view(0).scrape.failed);
  EXPECT_EQ(view(0).scrape.last.fault, ProbeFault::kRefused);
  EXPECT_EQ(view(0).scrape.in_a_row, 5U);
  EXPECT_EQ(note(0, says(0.1F)), ProbeChange::kUp);
  EXPECT_EQ(note(0, says(0.1F)), ProbeChange::kNone);
  EXPECT_FALSE(view(0).scrape.failed);
  EXPECT_EQ(sequence(2).size(), 2U) << "nobody is left out for it";
  EXPECT_FALSE(view(1).scrape.is_known);
}

TEST_F(ScrapeTest, WhoNeverAnswersIsToldAfterThree) {
  make({1});
  EXPECT_EQ(note(0, {}, kRefused), ProbeChange::kNone);
  EXPECT_EQ(note(0, {}, kRefused), ProbeChange::kNone);
  EXPECT_EQ(note(0, {}, kRefused), ProbeChange::kDown);
  EXPECT_EQ(note(0, says(0)), ProbeChange::kUp);
}

TEST_F(ScrapeTest, WhatCanNotBeMeantIsCounted) {
  make({1});
  note(0, {.state = LoadReport::State::kRefused}, {ProbeFault::kBadMetrics});
  EXPECT_EQ(view(0).reports_refused, 1U);
  EXPECT_EQ(view(0).reports, 0U);
}

TEST_F(ScrapeTest, TheNextOneKnowsWhenTheLastWas) {
  make({1});
  EXPECT_EQ(pool_.since_scrape(members_[0].id, now_), Duration::max());
  note(0, says(0.1F));
  now_ += 700ms;
  EXPECT_EQ(pool_.since_scrape(members_[0].id, now_), 700ms);
}

TEST_F(ScrapeTest, NoPlaceIsNoServer) {
  make({1});
  EXPECT_EQ(pool_.note_scrape(kNoEndpoint, kPass, says(1), config_, now_), ProbeChange::kNone);
  EXPECT_EQ(pool_.since_scrape(kNoEndpoint, now_), Duration::max());
}

}  // namespace
}  // namespace leastwise
