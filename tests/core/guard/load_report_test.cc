#include "leastwise/load_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/pool_fixture.h"
#include "core/reports/hostile.h"
#include "leastwise/status_page.h"
#include "reports/orca.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

LoadReport says(float utilisation) {
  return {LoadReport::State::kGood, utilisation, LoadReport::kUnknown, utilisation};
}

class LoadReportTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("least_conn");
    config_.report = {"on"};
  }
  // A second of traffic, the same for each server, which says what it has to say.
  void work(const std::vector<LoadReport>& reports, int ticks = 10) {
    for (int i = 0; i < ticks; ++i) {
      for (MemberIndex k = 0; k < 21; ++k) {
        const auto member = static_cast<MemberIndex>(k % members_.size());
        const Ticket t = picker_.adopt(config_, {}, member, now_);
        picker_.finish(config_, t, {.status = 200, .occupied = 5ms, .report = reports[member]},
                       now_);
      }
      tick();
    }
  }
  // Ten seconds of traffic as the policy shares it out: each request of a tick takes so much of
  // a server.
  void serve(const std::vector<float>& each) {
    std::vector<float> load(members_.size());
    for (int i = 0; i < 100; ++i) {
      std::vector<float> next(members_.size());
      for (int k = 0; k < 200; ++k) {
        const Ticket t = pick();
        next[t.member] += each[t.member];
        picker_.finish(config_, t, {.status = 200, .occupied = 5ms, .report = says(load[t.member])},
                       now_);
      }
      load = next;
      tick();
    }
  }
};

TEST_F(LoadReportTest, AFullServerIsDearerAndNoneIsCheaper) {
  make({1, 1, 1});
  work({says(0.5F), says(0.5F), says(0.6F)});
  EXPECT_EQ(view(0).report_factor, 1);
  EXPECT_NEAR(view(2).report_factor, 0.5 / 0.4, 0.01);
  work({says(0), says(0.5F), says(1)});
  EXPECT_EQ(view(0).report_factor, 1);
  EXPECT_EQ(view(2).report_factor, 2) << "the clamp";
  const std::vector<int> hits = spread(90);
  EXPECT_NEAR(hits[2], 18, 2);
  EXPECT_NEAR(hits[0], hits[1], 1);
}

TEST_F(LoadReportTest, OfTwoThatReportTheFullerOneIsDearer) {
  make({1, 1, 1});
  work({says(0), says(1), {}});
  EXPECT_EQ(view(0).report_factor, 1);
  EXPECT_EQ(view(1).report_factor, 2);
  EXPECT_EQ(view(2).report_factor, 1);
}

TEST_F(LoadReportTest, WithoutTheDirectiveTheyAreNotLookedAt) {
  make({1, 1, 1});
  config_.report = {};
  work({says(0.5F), says(0.5F), says(1)});
  EXPECT_EQ(view(2).report_factor, 1);
  EXPECT_EQ(view(2).reports, 0U);
}

TEST_F(LoadReportTest, SwitchedOffTheyCountForNothing) {
  make({1, 1, 1});
  work({says(0.5F), says(0.5F), says(1)});
  ASSERT_EQ(view(2).report_factor, 2);
  config_.report = {};  // as after a reload: the memory stays
  tick();
  const std::vector<int> hits = spread(90);
  for (const int n : hits) EXPECT_NEAR(n, 30, 1);
}

TEST_F(LoadReportTest, KeysStayWhateverIsReported) {
  use("hash");
  make({1, 1, 1, 1});
  const auto homes = [&] {
    std::vector<MemberIndex> members;
    for (std::uint64_t key = 1; key <= 200; ++key) {
      Tried tried;
      const Ticket t =
          picker_.pick(config_, {.route = 0, .key = key, .in_flight = {}}, tried, now_);
      members.push_back(t.member);
      finish(t, Result::kCancelled);
    }
    return members;
  };
  const std::vector<MemberIndex> before = homes();
  work({says(0.5F), says(0.5F), says(0.5F), says(1)});
  ASSERT_EQ(view(3).report_factor, 2);
  EXPECT_EQ(homes(), before);
}

TEST_F(LoadReportTest, AStaleReportCountsForNothing) {
  make({1, 1, 1});
  work({says(0.5F), says(0.5F), says(1)});
  now_ += 3s;
  tick();
  EXPECT_EQ(view(2).report_factor, 1);
  EXPECT_EQ(view(2).reported_utilisation, LoadReport::kUnknown);
}

TEST_F(LoadReportTest, WhoNeverReportsIsLeftAlone) {
  make({1, 1, 1});
  work({{}, says(0.5F), says(1)});
  EXPECT_EQ(view(0).report_factor, 1);
}

TEST_F(LoadReportTest, AServerThatAlwaysSaysZeroGainsNothing) {
  make({1, 1, 1, 1});
  work({says(0), says(0.7F), says(0.7F), says(0.7F)}, 30);
  const std::vector<int> hits = spread(400);
  for (const int n : hits) EXPECT_NEAR(n, 100, 2);
}

TEST_F(LoadReportTest, ForAdaptiveOnlyForeignLoadCounts) {
  use("adaptive");
  make({1, 1, 1});
  // Fuller than the others, but by our own requests: no reason to avoid it.
  work({says(0.8F), says(0.4F), says(0.4F)}, 100);
  EXPECT_NEAR(view(0).report_factor, 1, 0.15);
  // The same requests, and all at once it is full.
  work({says(0.99F), says(0.4F), says(0.4F)}, 5);
  EXPECT_GT(view(0).report_factor, 1.5F);
}

TEST_F(LoadReportTest, HostileReportsChangeNoScoreBeyondTheClamp) {
  for (const char* policy : {"least_conn", "adaptive"}) {
    use(policy);
    for (const std::string& header : hostile_reports()) {
      make({1, 1, 1});
      work({says(0.5F), says(0.5F), says(0.5F)});
      const LoadReport report = read_orca(header, config_.report);
      work({report, says(0.5F), says(0.5F)});
      for (std::size_t m = 0; m < 3; ++m) {
        EXPECT_NEAR(view(m).report_factor, 1, 0.1) << header.substr(0, 60);
      }
      EXPECT_GT(view(0).reports_refused, 0U);
    }
    for (const float value : {0.0F, 1e-30F, 1.0F, 4.0F, 1e6F, 3e38F}) {
      make({1, 1, 1});
      work({says(value), says(0.5F), says(0.5F)});
      for (std::size_t m = 0; m < 3; ++m) {
        EXPECT_GE(view(m).report_factor, 1);
        EXPECT_LE(view(m).report_factor, 2);
      }
    }
  }
}

TEST_F(LoadReportTest, WeightedSharesByThroughputPerUtilisation) {
  use("weighted");
  config_.demand = Demand::kReport;
  make({1, 1, 1});
  serve({0.002F, 0.004F, 0.004F});
  const std::vector<int> hits = spread(400);
  EXPECT_NEAR(hits[0], 200, 25);
  EXPECT_NEAR(hits[1], hits[2], 12);

  const std::array<NamedPool, 1> named = {{{"api", &config_, pool_}}};
  std::string page(100000, '\0');
  Text text(page);
  std::vector<PeerView> peers(StatusPage::peers_of(named));
  EXPECT_FALSE(StatusPage(PageFormat::kJson, "nginx", named, peers, now_).render(text));
  const auto json = nlohmann::json::parse(text.view());
  double sum = 0;
  for (const auto& peer : json["upstreams"]["api"]["peers"]) {
    const auto& own = peer["leastwise"];
    sum += own["share"].get<double>();
    EXPECT_NEAR(own["share"].get<double>(), peer["server"] == "10.0.0.0:80" ? 0.5 : 0.25, 0.04);
    EXPECT_GT(own["report"]["accepted"].get<int>(), 0);
  }
  EXPECT_NEAR(sum, 1, 1e-4);
}

}  // namespace
}  // namespace leastwise
