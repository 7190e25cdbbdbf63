#include "balance/feedback.h"

#include <gtest/gtest.h>

#include "spoe_agent/agent_fixture.h"

namespace leastwise::agent {
namespace {

using namespace std::chrono_literals;

class FeedbackTest : public AgentFixture {
 protected:
  FeedbackTest() { servers(app_with({"s1", "s2"})); }

  static std::string ended(const std::string& id, const std::string& server,
                           const std::string& rest = "st=200 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0") {
    return "id=" + id + " s=" + server + ' ' + rest;
  }
  static const char* other(const std::string& server) { return server == "s1" ? "s2" : "s1"; }
};

TEST_F(FeedbackTest, ALineFinishesItsPick) {
  const std::string server = pick("a");
  now_ += 5ms;
  line(ended("a", server));
  EXPECT_EQ(results(server, Result::kOk), 1U);
  EXPECT_EQ(view(server).in_flight, 0U);
  EXPECT_DOUBLE_EQ(view(server).occupied_seconds, 0.005);
  EXPECT_EQ(counters_.by_log.get(), 1U);
}

TEST_F(FeedbackTest, AServerIsFarByItsConnectTimesAndNotByItsLongAnswers) {
  const std::string near = "st=200 tsc=---- Tw=0 Tc=0 Tr=20 Ta=3000 rc=0";
  const std::string far = "st=200 tsc=---- Tw=0 Tc=15 Tr=35 Ta=1000 rc=0";
  for (int i = 0; i < 400; ++i) {
    const std::string id = std::to_string(i);
    const std::string server = pick(id);
    now_ += 100ms;
    line(ended(id, server, server == "s1" ? far : near));
    app().tick(now_);
  }
  EXPECT_NEAR(view("s1").base, 0.015, 0.001);
  EXPECT_EQ(view("s2").base, 0);
}

TEST_F(FeedbackTest, ALoadReportComesInBase64) {
  Config config;
  config.report = {"on"};
  registry_.configure({{"app", config}}, feedback_, now_);
  const std::string server = pick("a");
  // "TEXT cpu_utilization=0.5"
  const std::string good = " report=VEVYVCBjcHVfdXRpbGl6YXRpb249MC41";
  line(ended("a", server, "st=200 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0" + good));
  EXPECT_NEAR(view(server).reported_cpu, 0.5, 0.001);
  const std::string second = pick("b");
  line(ended("b", second, "st=200 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0 report=!!"));
  const std::string third = pick("c");
  line(ended("c", third, "st=200 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0 report=-"));
  EXPECT_EQ(view("s1").reports + view("s2").reports, 1U);
  EXPECT_EQ(view("s1").reports_refused + view("s2").reports_refused, 1U);
}

TEST_F(FeedbackTest, AnErrorAndAnAbortAreToldApart) {
  const std::string first = pick("a");
  line(ended("a", first, "st=502 tsc=SH-- Tw=0 Tc=0 Tr=-1 Ta=5"));
  EXPECT_EQ(results(first, Result::kReset), 1U);
  const std::string second = pick("b");
  line(ended("b", second, "st=-1 tsc=CH-- Tw=0 Tc=0 Tr=-1 Ta=5"));
  EXPECT_EQ(results(second, Result::kClientGone), 1U);
}

TEST_F(FeedbackTest, WithoutALineThePickIsCancelledWhenOverdue) {
  const std::string server = pick("a");
  feedback_.drain(now_);
  feedback_.expire(now_ + 100ms);
  EXPECT_EQ(view(server).in_flight, 1U);
  feedback_.expire(now_ + 400ms);
  EXPECT_EQ(view(server).in_flight, 0U);
  EXPECT_EQ(results(server, Result::kCancelled), 1U);
  EXPECT_EQ(counters_.expired.get(), 1U);
}

// HAProxy has one in flight there, and we count two: one line was lost.
TEST_F(FeedbackTest, AnOverduePickStaysWhileHaproxyHasAsManyInFlight) {
  const std::string server = pick("a");
  const std::string second = pick("b");
  ASSERT_NE(server, second);
  const auto read = [&](std::uint32_t first_count, std::uint32_t second_count) {
    const std::vector<ServerCounts> counts = {
        {.backend = "app", .server = server, .in_flight = first_count},
        {.backend = "app", .server = second, .in_flight = second_count},
        {.backend = "other", .server = server, .in_flight = 9}};
    feedback_.drain(now_);
    app().begin_counts();
    app().note_counts(counts, now_);
  };
  for (int i = 0; i < 60; ++i) {
    now_ += 1s;
    read(1, 1);
    feedback_.expire(now_);
  }
  EXPECT_EQ(sums().in_flight, 2U);
  now_ += 1s;
  read(1, 0);
  feedback_.expire(now_);
  EXPECT_EQ(view(server).in_flight, 1U);
  EXPECT_EQ(view(second).in_flight, 0U);
  now_ += 3s;  // HAProxy says nothing any more
  feedback_.expire(now_);
  EXPECT_EQ(sums().in_flight, 0U);
}

TEST_F(FeedbackTest, ALateLineIsStillLearnedFrom) {
  const std::string server = pick("a");
  feedback_.drain(now_);
  feedback_.expire(now_ + 400ms);
  now_ += 3s;
  line(ended("a", server, "st=200 tsc=---- Tw=0 Tc=0 Tr=3000 Ta=3000"));
  EXPECT_EQ(results(server, Result::kOk), 1U);
  EXPECT_DOUBLE_EQ(view(server).occupied_seconds, 3.0);
  const Sums s = sums();
  EXPECT_EQ(s.picks, 2U);
  EXPECT_EQ(s.finishes, 2U);
  EXPECT_EQ(s.in_flight, 0U);
}

// An event stream: its tokens come for a minute, and its place is taken for as long.
TEST_F(FeedbackTest, AnAnswerThatBeganIsLearnedFromAtOnceAndKeepsItsPlaceToItsEnd) {
  const std::string server = pick("a");
  now_ += 500ms;
  token("a");
  token("a");  // again: nothing
  token("unknown");
  EXPECT_EQ(counters_.tokens.get(), 1U);
  EXPECT_DOUBLE_EQ(view(server).occupied_seconds, 0.5);
  for (int i = 0; i < 60; ++i) feedback_.expire(now_ += 1s);
  EXPECT_EQ(view(server).in_flight, 1U);
  line(ended("a", server, "st=200 tsc=---- Tw=0 Tc=0 Tr=5 Ta=60500 rc=0"));
  const Sums s = sums();
  EXPECT_EQ(s.in_flight, 0U);
  EXPECT_EQ(s.picks, s.finishes);
  EXPECT_EQ(view(server).occupied_seconds, 0.5);
  EXPECT_EQ(counters_.as_picked.get(), 1U);
}

TEST_F(FeedbackTest, AnAnswerThatBeganGivesItsPlaceBackWhenItsPoolGrows) {
  ASSERT_NE(pick("a"), "");
  token("a");
  BackendInfo info = app_with({});
  for (int i = 0; i < 300; ++i) {
    info.servers.push_back(
        {.name = "n" + std::to_string(i), .address = "10.0.1.1:80", .settings = {}});
  }
  ASSERT_TRUE(servers(info));
  EXPECT_EQ(sums().in_flight, 0U);
}

TEST_F(FeedbackTest, APickWhoseLineCameFirstEndsAtOnce) {
  line(ended("a", "s1"));
  EXPECT_EQ(counters_.unknown.get(), 1U);
  now_ += 30ms;
  const std::string server = pick("a");
  feedback_.drain(now_);
  EXPECT_EQ(counters_.early.get(), 1U);
  EXPECT_EQ(view(server).in_flight, 0U);
}

TEST_F(FeedbackTest, ARedispatchBlamesTheFirstAndAccountsTheSecond) {
  const std::string server = pick("a");
  line(ended("a", other(server), "st=200 tsc=---- Tw=0 Tc=0 Tr=5 Ta=6 rc=+1"));
  EXPECT_EQ(results(server, Result::kRefused), 1U);
  EXPECT_EQ(results(other(server), Result::kOk), 1U);
  EXPECT_EQ(counters_.elsewhere.get(), 1U);
  EXPECT_EQ(sums().in_flight, 0U);
}

TEST_F(FeedbackTest, APickThatWasNotObeyedIsCancelled) {
  const std::string server = pick("a");
  line(ended("a", other(server)));
  EXPECT_EQ(results(server, Result::kCancelled), 1U);
  EXPECT_EQ(results(other(server), Result::kOk), 1U);
  const Sums s = sums();
  EXPECT_EQ(s.picks, s.finishes);
}

TEST_F(FeedbackTest, ARequestThatReachedNoServerIsCancelled) {
  const std::string server = pick("a");
  line(ended("a", "<NOSRV>", "st=503 tsc=SC-- Tc=-1"));
  EXPECT_EQ(results(server, Result::kCancelled), 1U);
  EXPECT_EQ(sums().picks, 1U);
}

TEST_F(FeedbackTest, AServerThatIsUnknownByNowIsNotInvented) {
  pick("a");
  line(ended("a", "gone"));
  const Sums s = sums();
  EXPECT_EQ(s.picks, 1U);
  EXPECT_EQ(s.finishes, 1U);
}

TEST_F(FeedbackTest, ADuplicateIdEndsTheNewPick) {
  pick("a");
  pick("a");
  feedback_.drain(now_);
  EXPECT_EQ(counters_.cancelled.get(), 1U);
  EXPECT_EQ(sums().in_flight, 1U);
}

TEST_F(FeedbackTest, GarbageAndForeignLinesAreCountedOnly) {
  pick("a");
  feedback_.on_line("something else", now_);
  line("id=a s=s1 tsc=---- Ta=x");
  line("id=- s=s1 tsc=----");
  EXPECT_EQ(counters_.foreign.get(), 1U);
  EXPECT_EQ(counters_.garbled.get(), 1U);
  EXPECT_EQ(counters_.unknown.get(), 1U);
  EXPECT_EQ(sums().finishes, 0U);
}

TEST_F(FeedbackTest, AServerThatWasRemovedMeanwhileIsFinishedAllTheSame) {
  std::string server;
  for (int i = 0; i < 2; ++i) server = pick(std::string(1, static_cast<char>('a' + i)));
  const EndpointId id = app().find(server);
  EXPECT_TRUE(servers(app_with({other(server)})));
  line(ended("b", server));
  EXPECT_EQ(app().pool().view(id, app().config(), now_).in_flight, 0U);
}

TEST_F(FeedbackTest, AUrlThatFailsOnServerAfterServerIsHeldAgainstTheFirstOnly) {
  constexpr std::uint64_t kPoison = 7;
  const std::string first = pick("a", kPoison);
  line(ended("a", first, "st=503 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0"));
  EXPECT_GT(view(first).error_share, 0);
  const std::string second = other(first);
  for (const char* id : {"b", "c", "d", "e"}) {
    const bool is_second = pick(id, kPoison) == second;
    line(ended(id, is_second ? second : first, "st=503 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0"));
  }
  EXPECT_EQ(view(second).error_share, 0);
  EXPECT_GT(view(second).forgiven, 0U);
  EXPECT_EQ(results(second, Result::kServerError), view(second).forgiven);
}

TEST_F(FeedbackTest, AUrlThatFailsWhereHaproxySentItInsteadIsKnownByItsRoute) {
  constexpr std::uint64_t kPoison = 7;
  const std::string first = pick("a", kPoison);
  line(ended("a", first, "st=503 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0"));
  const std::string picked = pick("b", kPoison);
  const std::string second = other(first);
  line(ended("b", second, "st=503 tsc=---- Tw=0 Tc=0 Tr=5 Ta=5 rc=0"));
  EXPECT_EQ(results(second, Result::kServerError), 1U) << picked;
  EXPECT_EQ(view(second).forgiven, 1U);
}

}  // namespace
}  // namespace leastwise::agent
