#include "leastwise/picker.h"

#include <gtest/gtest.h>

#include <string>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kPoison = 77, kGood = 78;  // routes

class BlameTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("least_conn");
    config_.outlier = true;
  }
  void make_with_max_fails(std::size_t n, std::uint32_t max_fails = 1) {
    make(std::vector<int>(n, 1));
    for (std::size_t m = 0; m < n; ++m) settle(m, {.max_fails = max_fails});
  }
  // One attempt of a request on that member.
  void attempt(Verdict* verdict, std::size_t member, Result result, std::uint64_t route = kPoison) {
    const Request request{.route = route, .in_flight = {}};
    const Ticket t = picker_.adopt(config_, request, static_cast<MemberIndex>(member), now_);
    now_ += 1ms;
    picker_.finish(config_, t, {.result = result, .occupied = 1ms}, now_, verdict);
  }
  // A whole request that is answered alike by each of the members in turn.
  void fails_on(std::initializer_list<std::size_t> members, Result result = Result::kServerError) {
    Verdict verdict;
    for (const std::size_t m : members) attempt(&verdict, m, result);
    picker_.settle(config_, verdict, now_);
  }
  void is_answered(std::size_t member, std::uint64_t route = kGood) {
    Verdict verdict;
    attempt(&verdict, member, Result::kOk, route);
  }
  bool is_blamed(std::size_t member) { return view(member).error_share > 0; }
  bool is_out(std::size_t member) { return view(member).unavailable; }
};

TEST_F(BlameTest, ARequestThatFailsAlikeOnAllServersCountsAgainstNone) {
  for (const Result r : {Result::kServerError, Result::kTimeout, Result::kReset}) {
    make_with_max_fails(3);
    fails_on({0, 1, 2}, r);
    for (std::size_t m = 0; m < 3; ++m) {
      EXPECT_FALSE(is_out(m)) << name(r);
      EXPECT_FALSE(is_blamed(m)) << name(r);
      EXPECT_EQ(view(m).forgiven, 1U) << name(r);
      EXPECT_EQ(view(m).results[static_cast<std::size_t>(r)], 1U) << "what happened is still told";
    }
  }
}

TEST_F(BlameTest, AServerWhoseRequestIsAnsweredElsewhereIsBlamedAtThatAnswer) {
  make_with_max_fails(3);
  Verdict verdict;
  attempt(&verdict, 0, Result::kServerError);
  EXPECT_FALSE(is_out(0)) << "nobody knows yet";
  EXPECT_EQ(view(0).in_flight, 0U) << "but its place is free";
  attempt(&verdict, 1, Result::kOk);
  EXPECT_TRUE(is_out(0));
  EXPECT_TRUE(is_blamed(0));
  EXPECT_TRUE(verdict.empty());
  ASSERT_EQ(verdict.blamed().size(), 1U);
  EXPECT_EQ(verdict.blamed()[0].member, 0U);
  EXPECT_TRUE(verdict.blamed()[0].is_out);
}

TEST_F(BlameTest, OfAllProcessesOneIsToldThatAServerIsOut) {
  make_with_max_fails(2, 3);
  Memory memory(Picker::bytes_for(members_.size()));
  Picker other;
  const ProcessSlot slot = pool_.join({.pid = 2}, everybody_lives);
  ASSERT_TRUE(Picker::create(pool_, slot, members_, memory.span(), 2, other).ok());
  std::string told;
  for (int i = 0; i < 6; ++i) {
    Picker& picker = i % 2 == 0 ? picker_ : other;
    Verdict verdict;
    const Ticket t = picker.adopt(config_, {}, 0, now_);
    picker.finish(config_, t, {.result = Result::kRefused, .occupied = 1ms}, now_, &verdict);
    ASSERT_EQ(verdict.blamed().size(), 1U);
    told += verdict.blamed()[0].is_out ? 'x' : '.';
  }
  EXPECT_EQ(told, "..x...");
}

TEST_F(BlameTest, TwoServersThatFailAreBothBlamedOnceAThirdAnswers) {
  make_with_max_fails(3);
  Verdict verdict;
  attempt(&verdict, 0, Result::kServerError);
  attempt(&verdict, 1, Result::kServerError);
  attempt(&verdict, 2, Result::kOk);
  EXPECT_TRUE(is_out(0) && is_out(1));
  EXPECT_EQ(view(0).forgiven + view(1).forgiven, 0U);
}

TEST_F(BlameTest, AFailureThatIsNotTriedElsewhereIsBlamedWhenTheRequestEnds) {
  make_with_max_fails(2);
  Verdict verdict;
  attempt(&verdict, 0, Result::kReset);
  EXPECT_FALSE(is_out(0));
  picker_.settle(config_, verdict, now_);
  EXPECT_TRUE(is_out(0));
  EXPECT_EQ(verdict.blamed().size(), 1U);
}

TEST_F(BlameTest, FailuresOfDifferentKindsAreTheServersOwn) {
  make_with_max_fails(2);
  Verdict verdict;
  attempt(&verdict, 0, Result::kServerError);
  attempt(&verdict, 1, Result::kTimeout);
  picker_.settle(config_, verdict, now_);
  EXPECT_TRUE(is_out(0) && is_out(1));
}

TEST_F(BlameTest, OneServerTwiceIsNotElsewhere) {
  make_with_max_fails(2);
  fails_on({0, 0});
  EXPECT_TRUE(is_out(0));
}

TEST_F(BlameTest, WhoRefusesAConnectionIsBlamedAtOnceWhateverTheOthersDo) {
  make_with_max_fails(3);
  Verdict verdict;
  attempt(&verdict, 0, Result::kRefused);
  EXPECT_TRUE(is_out(0));
  attempt(&verdict, 1, Result::kRefused);
  picker_.settle(config_, verdict, now_);
  EXPECT_TRUE(is_out(1));
  EXPECT_EQ(view(0).forgiven + view(1).forgiven, 0U);
}

TEST_F(BlameTest, AClientThatLeavesDuringTheSecondAttemptAcquitsNobody) {
  make_with_max_fails(2);
  Verdict verdict;
  attempt(&verdict, 0, Result::kTimeout);
  attempt(&verdict, 1, Result::kClientGone);
  picker_.settle(config_, verdict, now_);
  EXPECT_TRUE(is_out(0));
  EXPECT_FALSE(is_out(1));
}

TEST_F(BlameTest, WhatDoesNotCountTowardsMaxFailsIsJudgedForTheErrorShare) {
  make_with_max_fails(2);
  Verdict verdict;
  const Ticket t = picker_.adopt(config_, {}, 0, now_);
  picker_.finish(config_, t, {.result = Result::kServerError, .counts_as_fail = false}, now_,
                 &verdict);
  picker_.settle(config_, verdict, now_);
  EXPECT_FALSE(is_out(0));
  EXPECT_TRUE(is_blamed(0));
  EXPECT_TRUE(verdict.blamed().empty());
}

TEST_F(BlameTest, APoisonousRequestAmongGoodOnesTakesNobodyOutHoweverOftenItComes) {
  make_with_max_fails(3);
  for (int i = 0; i < 2000; ++i) {
    if (i % 7 == 0) {
      fails_on({0, 1, 2});
    } else {
      is_answered(static_cast<std::size_t>(i) % 3);
    }
    if (i % 50 == 0) tick();
  }
  for (std::size_t m = 0; m < 3; ++m) {
    EXPECT_FALSE(is_out(m));
    EXPECT_FALSE(is_blamed(m));
    EXPECT_FALSE(view(m).ejected);
  }
}

TEST_F(BlameTest, APoolThatAnswersNothingIsFoundDownAfterSixteenRequests) {
  make_with_max_fails(3);
  for (int i = 0; i < 16; ++i) fails_on({0, 1, 2});
  EXPECT_FALSE(is_out(0) || is_out(1) || is_out(2));
  fails_on({0, 1, 2});
  EXPECT_TRUE(is_out(0) && is_out(1) && is_out(2));
}

TEST_F(BlameTest, RequestsThatWaitForTheirSecondAttemptAreBoundedToo) {
  make_with_max_fails(2, 1);
  std::vector<Verdict> verdicts(17);
  for (std::size_t i = 0; i < 16; ++i) attempt(&verdicts[i], 0, Result::kTimeout);
  EXPECT_FALSE(is_out(0));
  attempt(&verdicts[16], 0, Result::kTimeout);
  EXPECT_TRUE(is_out(0));
}

TEST_F(BlameTest, OneGoodAnswerGivesTheBenefitOfTheDoubtBack) {
  make_with_max_fails(3);
  for (int i = 0; i < 16; ++i) fails_on({0, 1, 2});
  is_answered(2);
  fails_on({0, 1, 2});
  EXPECT_FALSE(is_out(0) || is_out(1) || is_out(2));
}

TEST_F(BlameTest, AServerThatFailsEverythingIsFoundAlthoughAnotherUrlFailsEverywhere) {
  make_with_max_fails(3);
  fails_on({1, 2, 0});
  Verdict verdict;
  attempt(&verdict, 0, Result::kServerError, kGood);
  attempt(&verdict, 1, Result::kOk, kGood);
  EXPECT_TRUE(is_out(0));
  EXPECT_FALSE(is_out(1));
}

TEST_F(BlameTest, MoreFailuresThanCanWaitAreForgivenAsTheOthers) {
  constexpr std::size_t kServers = Verdict::kMost + 4;
  make_with_max_fails(kServers);
  Verdict verdict;
  for (std::size_t m = 0; m < kServers; ++m) attempt(&verdict, m, Result::kServerError);
  picker_.settle(config_, verdict, now_);
  for (std::size_t m = 0; m < kServers; ++m) EXPECT_FALSE(is_out(m)) << m;
}

TEST_F(BlameTest, AProbeThatTellsNothingIsFollowedByAnotherAtOnce) {
  make_with_max_fails(2);
  attempt(nullptr, 0, Result::kRefused);
  ASSERT_TRUE(is_out(0));
  now_ += 10s;
  Verdict verdict;
  attempt(&verdict, 0, Result::kServerError);  // the probe
  attempt(&verdict, 1, Result::kServerError);
  EXPECT_TRUE(is_out(0)) << "it is on its way";
  picker_.settle(config_, verdict, now_);
  EXPECT_FALSE(is_out(0));
  is_answered(0);
  EXPECT_EQ(view(0).fails, 0U);
}

// ---- without a second attempt: by route

TEST_F(BlameTest, ARouteThatFailsOnServerAfterServerIsNoMoreHeldAgainstThem) {
  make_with_max_fails(3);
  attempt(nullptr, 0, Result::kServerError);
  EXPECT_TRUE(is_out(0)) << "the first says nothing yet";
  is_answered(2);
  attempt(nullptr, 1, Result::kServerError);
  attempt(nullptr, 2, Result::kServerError);
  EXPECT_FALSE(is_out(1) || is_out(2));
}

TEST_F(BlameTest, OneServerThatFailsARouteAlwaysIsBlamedEachTime) {
  make_with_max_fails(3, 10);
  for (int i = 0; i < 9; ++i) {
    attempt(nullptr, 0, Result::kServerError);
    is_answered(1, kPoison);
    is_answered(2, kPoison);
  }
  EXPECT_EQ(view(0).fails, 9U);
  EXPECT_EQ(view(0).forgiven, 0U);
}

TEST_F(BlameTest, AGoodAnswerOfTheRouteEndsItsName) {
  make_with_max_fails(3);
  fails_on({0, 1});
  is_answered(2, kPoison);
  attempt(nullptr, 0, Result::kServerError);
  EXPECT_TRUE(is_out(0));
}

TEST_F(BlameTest, AnotherRouteIsNotForgivenForIt) {
  make_with_max_fails(3);
  fails_on({0, 1});
  attempt(nullptr, 0, Result::kServerError, kGood);
  EXPECT_TRUE(is_out(0));
}

TEST_F(BlameTest, RequestsThatAreNotToldApartAreJudgedOneByOne) {
  make_with_max_fails(3);
  attempt(nullptr, 0, Result::kServerError, 0);
  attempt(nullptr, 1, Result::kServerError, 0);
  EXPECT_TRUE(is_out(0) && is_out(1));
}

TEST_F(BlameTest, ARoutesNameIsForgottenAfterAMinute) {
  make_with_max_fails(3);
  fails_on({0, 1});
  now_ += 61s;
  attempt(nullptr, 0, Result::kServerError);
  EXPECT_TRUE(is_out(0));
}

}  // namespace
}  // namespace leastwise
