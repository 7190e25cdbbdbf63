#include "leastwise/probe.h"

#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr ProbeResult kPass{};
constexpr ProbeResult kRefused{ProbeFault::kRefused};

class ProbeTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("round_robin");
    ask("http");
    ask("fails=2");
    ask("passes=2");
  }
  void ask(std::string_view word) { ASSERT_TRUE(set(config_.probe, word).ok()) << word; }
  ProbeChange note(std::size_t member, const ProbeResult& result) {
    return pool_.note_probe(members_[member].id, result, config_, now_);
  }
  void fail(std::size_t member) {
    for (std::uint32_t i = 0; i < config_.probe.fails; ++i) note(member, kRefused);
  }
  void pass(std::size_t member) {
    for (std::uint32_t i = 0; i < config_.probe.passes; ++i) note(member, kPass);
  }
};

TEST_F(ProbeTest, WhoFailsSoManyTimesInARowIsOutAtOnceAndBackAfterSoManyPasses) {
  make({1, 1, 1, 1});
  EXPECT_EQ(note(1, kPass), ProbeChange::kFirstPass);
  EXPECT_EQ(note(1, kRefused), ProbeChange::kNone);
  EXPECT_EQ(note(1, kPass), ProbeChange::kNone);  // begins anew
  EXPECT_EQ(note(1, kRefused), ProbeChange::kNone);
  EXPECT_EQ(note(1, kRefused), ProbeChange::kDown);
  EXPECT_EQ(sequence(6), "acdacd");
  tick();
  EXPECT_EQ(sequence(6), "acdacd");
  EXPECT_EQ(note(1, kPass), ProbeChange::kNone);
  EXPECT_EQ(note(1, kRefused), ProbeChange::kNone);
  EXPECT_EQ(note(1, kPass), ProbeChange::kNone);
  EXPECT_EQ(note(1, kPass), ProbeChange::kUp);
  EXPECT_EQ(spread(400), std::vector<int>(4, 100));
}

TEST_F(ProbeTest, ADecisionThatIsWrittenDownSaysWhoFailsItsProbes) {
  make({1, 1, 1, 1});
  fail(2);
  for (int i = 0; i < 5; ++i) {
    now_ += 100ms;
    tick();
  }
  pick();
  Decision d;
  ASSERT_TRUE(pool_.decision(0, now_, d));
  EXPECT_EQ(d.left_out[0].id, members_[2].id);
  EXPECT_EQ(d.left_out[0].why, LeftOut::kProbe);
  EXPECT_EQ(name(d.left_out[0].why), "probe");
}

TEST_F(ProbeTest, TheViewHasTheLastResultHowManyAndHowOld) {
  make({1, 1, 1});
  EXPECT_FALSE(view(0).probe.is_known);
  EXPECT_EQ(pool_.since_probe(members_[0].id, now_), Duration::max());
  note(0, {ProbeFault::kStatus, 503});
  note(0, {ProbeFault::kStatus, 503});
  now_ += 1500ms;
  const ProbeView v = view(0).probe;
  EXPECT_TRUE(v.is_known && v.failed && v.is_out);
  EXPECT_EQ(v.last.fault, ProbeFault::kStatus);
  EXPECT_EQ(v.last.detail, 503);
  EXPECT_EQ(v.in_a_row, 2);
  EXPECT_NEAR(v.age, 1.5, 1e-3);
  EXPECT_EQ(v.checks, 2);
  EXPECT_EQ(v.failures, 2);
  EXPECT_EQ(pool_.since_probe(members_[0].id, now_), 1500ms);
}

TEST_F(ProbeTest, ASecondThatIsTheLastOfTwoIsOut) {
  make({1, 1});
  fail(0);  // half is not more than half
  EXPECT_EQ(sequence(4), "bbbb");
}

TEST_F(ProbeTest, WhenMoreThanHalfFailAllAreUsedAndItIsToldOnce) {
  make({1, 1, 1});
  fail(0);
  EXPECT_FALSE(pool_.take_panic_news());
  fail(1);
  EXPECT_TRUE(pool_.is_in_panic());
  EXPECT_TRUE(pool_.take_panic_news());
  EXPECT_FALSE(pool_.take_panic_news());
  EXPECT_EQ(spread(300), std::vector<int>(3, 100));
  tick();
  EXPECT_EQ(spread(300), std::vector<int>(3, 100));
  EXPECT_TRUE(view(0).probe.failed);
  EXPECT_FALSE(view(0).probe.is_out);
  pass(1);
  EXPECT_TRUE(pool_.take_panic_news());
  EXPECT_FALSE(pool_.is_in_panic());
  EXPECT_EQ(spread(100)[0], 0);
}

TEST_F(ProbeTest, WhileABackupIsWellThereIsNoPanic) {
  make({1, 1, -1});
  settle(2, {.flags = kBackup});
  fail(0);
  fail(1);
  EXPECT_EQ(sequence(4), "cccc");
  fail(2);
  EXPECT_TRUE(pool_.is_in_panic());
  EXPECT_EQ(sequence(4), "abab");
}

TEST_F(ProbeTest, WhoIsMandatoryWaitsForItsFirstPassEvenInAPanic) {
  config_.probe.mandatory = true;
  make({1, 1});
  settle(0, {.flags = kMandatory});
  settle(1, {.flags = kMandatory});
  EXPECT_EQ(sequence(2), "--");
  note(1, kPass);
  EXPECT_EQ(sequence(2), "bb");
  fail(1);
  EXPECT_TRUE(pool_.is_in_panic());
  EXPECT_EQ(sequence(2), "bb");
  EXPECT_TRUE(view(0).probe.waits);
}

TEST_F(ProbeTest, WhoWasInUseBeforeItBecameMandatoryStays) {
  config_.probe.mandatory = true;
  make({1, 1});
  sequence(2);
  settle(0, {.flags = kMandatory});
  EXPECT_FALSE(view(0).probe.waits);
  EXPECT_EQ(sequence(2), "ab");
}

TEST_F(ProbeTest, AConfigurationKeepsWhoIsOutAndOneWithoutProbesKeepsNobody) {
  make({1, 1, 1});
  fail(0);
  settle(0, {});
  EXPECT_EQ(spread(30)[0], 0);
  config_.probe = {};
  tick();
  EXPECT_FALSE(view(0).probe.is_known);
  EXPECT_GT(spread(30)[0], 0);
}

TEST_F(ProbeTest, AnotherPoolTakesOverWhoIsOutAndWhoWaits) {
  config_.probe.mandatory = true;
  make({1, 1, 1, 1}, 8);
  settle(1, {.flags = kMandatory});
  fail(0);
  Memory memory(Pool::bytes_for(16));
  Pool larger;
  ASSERT_TRUE(Pool::create(memory.span(), 16, larger).ok());
  ASSERT_TRUE(larger.migrate(pool_).ok());
  const auto probe_of = [&](std::size_t member) {
    return larger
        .view(larger.find(pool_.view(members_[member].id, config_, now_).name), config_, now_)
        .probe;
  };
  EXPECT_TRUE(probe_of(0).is_out);
  EXPECT_EQ(probe_of(0).in_a_row, 2);
  EXPECT_TRUE(probe_of(1).waits);
  EXPECT_FALSE(probe_of(2).is_known || probe_of(2).is_out || probe_of(2).waits);
}

// As damage may leave it: nobody is out for what no probe says.
TEST_F(ProbeTest, APoolThatChangesItsMindOnMandatoryLetsNobodyWait) {
  make({1, 1});
  config_.probe.mandatory = true;
  settle(0, {.flags = kMandatory});
  tick();
  EXPECT_TRUE(view(0).probe.waits);
  config_.probe.mandatory = false;
  tick();
  EXPECT_FALSE(view(0).probe.waits);
  EXPECT_EQ(sequence(2), "ab");
}

TEST_F(ProbeTest, WhoComesBackStartsUnknownAndBySlowStart) {
  config_.slow_start = 10s;
  make({1, 1, 1});
  for (int i = 0; i < 120; ++i) {
    const Ticket t = pick();
    now_ += 1ms;
    finish(t, Result::kOk, 10ms);
    if (i % 10 == 0) tick();
  }
  EXPECT_TRUE(view(0).known);
  fail(0);
  tick();
  pass(0);
  tick();
  EXPECT_FALSE(view(0).known);
  EXPECT_NEAR(view(0).warmth, 0.1, 1e-6);
}

// Both together take out no more than outlier_max: of ten, three.
TEST_F(ProbeTest, OutliersAreNotEjectedBeyondThoseThatProbesTookOut) {
  make(std::vector<int>(10, 1));
  config_.outlier = true;
  for (std::size_t i = 0; i < 3; ++i) fail(i);
  for (int i = 0; i < 60; ++i) {
    const Ticket t = pick();
    now_ += 1ms;
    finish(t, t.member == 9 ? Result::kReset : Result::kOk, 1ms);
  }
  tick();
  EXPECT_FALSE(view(9).ejected);
  pass(0);
  tick();
  EXPECT_TRUE(view(9).ejected);
}

TEST_F(ProbeTest, OneProcessProbesUntilItIsDeadOrSilent) {
  make({1});
  const Incarnation first{.pid = 10}, second{.pid = 20};
  EXPECT_TRUE(pool_.lead_probes(first, everybody_lives, now_));
  EXPECT_FALSE(pool_.lead_probes(second, everybody_lives, now_));
  now_ += Pool::kProbeLease - 1ms;
  EXPECT_TRUE(pool_.lead_probes(first, everybody_lives, now_));
  EXPECT_FALSE(pool_.lead_probes(second, everybody_lives, now_ + Pool::kProbeLease - 1ms));
  EXPECT_TRUE(pool_.lead_probes(second, everybody_lives, now_ + Pool::kProbeLease));
  EXPECT_FALSE(pool_.leads_probes(first, now_ + Pool::kProbeLease));
  EXPECT_EQ(pool_.view().prober, 20);
  EXPECT_TRUE(pool_.lead_probes(first, nobody_lives, now_ + Pool::kProbeLease));
  pool_.stop_probes(second);  // has lost it
  EXPECT_TRUE(pool_.leads_probes(first, now_ + Pool::kProbeLease));
  pool_.stop_probes(first);
  EXPECT_TRUE(pool_.lead_probes(second, everybody_lives, now_));
}

TEST_F(ProbeTest, AStampFromBeforeTheClockWentBackHoldsNobodyUp) {
  make({1});
  EXPECT_TRUE(pool_.lead_probes({.pid = 10}, everybody_lives, now_ + 1h));
  EXPECT_TRUE(pool_.lead_probes({.pid = 20}, everybody_lives, now_));
}

}  // namespace
}  // namespace leastwise
