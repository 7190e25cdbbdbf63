#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

class EndpointsTest : public PoolFixture {
 protected:
  void SetUp() override { make({}, 8); }
};

TEST_F(EndpointsTest, TheSameNameIsTheSameEndpoint) {
  const EndpointId a = pool_.add("http/u/a:1");
  EXPECT_EQ(pool_.add("http/u/a:1"), a);
  EXPECT_EQ(pool_.find("http/u/a:1"), a);
  EXPECT_NE(pool_.add("http/u/b:1"), a);
  EXPECT_EQ(pool_.find("http/u/c:1"), kNoEndpoint);
}

TEST_F(EndpointsTest, AFullPoolTakesNoMore) {
  std::set<EndpointId> ids;
  for (int i = 0; i < 8; ++i) ids.insert(pool_.add("s" + std::to_string(i)));
  EXPECT_EQ(ids.size(), 8U);
  EXPECT_EQ(ids.count(kNoEndpoint), 0U);
  EXPECT_EQ(pool_.add("one too many"), kNoEndpoint);
}

TEST_F(EndpointsTest, NamesThatAreEmptyOrTooLongAreRefused) {
  EXPECT_EQ(pool_.add(""), kNoEndpoint);
  EXPECT_NE(pool_.add(std::string(kMaxEndpointName, 'x')), kNoEndpoint);
  EXPECT_EQ(pool_.add(std::string(kMaxEndpointName + 1, 'x')), kNoEndpoint);
}

TEST_F(EndpointsTest, ARetiredPlaceIsUsedAgainAndStartsClean) {
  for (int i = 0; i < 8; ++i) pool_.add("s" + std::to_string(i));
  pool_.retire(pool_.find("s3"));
  EXPECT_EQ(pool_.find("s3"), kNoEndpoint);
  const EndpointId fresh = pool_.add("new");
  ASSERT_NE(fresh, kNoEndpoint);
  const EndpointView v = pool_.view(fresh, config_, now_);
  EXPECT_EQ(v.name, "new");
  EXPECT_FALSE(v.known);
  EXPECT_EQ(v.picks, 0U);
}

TEST_F(EndpointsTest, ARetiredEndpointComesBackWithWhatWasLearned) {
  make({1, 1});
  sequence(20);
  const std::uint64_t picks = view(0).picks;
  const std::string name(view(0).name);
  EXPECT_GT(picks, 0U);
  pool_.retire(members_[0].id);
  EXPECT_EQ(pool_.add(name), members_[0].id);
  EXPECT_EQ(view(0).picks, picks);
}

TEST_F(EndpointsTest, AnEndpointThatWasGoneForLongComesBackAsNew) {
  make({1, 1});
  sequence(50);
  tick();
  sequence(50);
  tick();
  ASSERT_TRUE(view(0).known);
  const std::string name(view(0).name);
  const Ticket open = picker_.adopt(config_, {.in_flight = {}}, 0, now_);
  pool_.retire(members_[0].id);
  for (int i = 0; i < 101; ++i) tick();
  EXPECT_EQ(pool_.add(name), members_[0].id);
  EXPECT_FALSE(view(0).known);
  EXPECT_EQ(view(0).picks, 0U);
  EXPECT_EQ(view(0).in_flight, 1U) << "what is out is still to come back";
  finish(open, Result::kOk, std::chrono::milliseconds(1));
  EXPECT_EQ(view(0).in_flight, 0U);
}

TEST_F(EndpointsTest, APoolThatGrowsKeepsWhoIsLeftOut) {
  make({1, 1, 1});
  config_.outlier = true;
  for (MemberIndex m : {0U, 1U, 2U}) {
    for (int i = 0; i < 20; ++i) {
      finish(picker_.adopt(config_, {.in_flight = {}}, m, now_),
             m == 2 ? Result::kReset : Result::kOk, std::chrono::milliseconds(1));
    }
  }
  tick();
  ASSERT_TRUE(view(2).ejected);
  Memory memory(Pool::bytes_for(32));
  Pool next;
  ASSERT_TRUE(Pool::create(memory.span(), 32, next).ok());
  ASSERT_TRUE(next.migrate(pool_).ok());
  now_ += Pool::kTickPeriod;
  next.tick(config_, now_);
  const EndpointView v = next.view(next.find(view(2).name), config_, now_);
  EXPECT_TRUE(v.ejected);
  EXPECT_EQ(v.ejected_why, view(2).ejected_why);
  EXPECT_GT(v.ejected_for, 5);
}

TEST_F(EndpointsTest, WhoOnlyRecallsBringsNothingBack) {
  make({1, 1});
  const EndpointId id = members_[0].id;
  const std::string name(pool_.view(id, config_, now_).name);
  EXPECT_EQ(pool_.recall(name), id);
  pool_.retire(id);
  EXPECT_EQ(pool_.recall(name), id);
  EXPECT_EQ(pool_.find(name), kNoEndpoint);
  EXPECT_EQ(pool_.recall("http/app/nobody"), kNoEndpoint);
  EXPECT_EQ(pool_.view().endpoints, 1U);
}

TEST_F(EndpointsTest, OnlyTheLastConfigurationIsTheNewest) {
  make({1});
  const std::uint32_t first = pool_.begin_configuration();
  EXPECT_TRUE(pool_.is_newest(first));
  const std::uint32_t second = pool_.begin_configuration();
  EXPECT_FALSE(pool_.is_newest(first));
  EXPECT_TRUE(pool_.is_newest(second));
}

TEST_F(EndpointsTest, APlaceWithRequestsInFlightIsNotGivenToAnotherName) {
  make({1}, 1);
  const Ticket t = pick();
  pool_.retire(members_[0].id);
  EXPECT_EQ(pool_.add("other"), kNoEndpoint);
  finish(t);
  EXPECT_NE(pool_.add("other"), kNoEndpoint);
}

TEST_F(EndpointsTest, SixteenThousandNamesAreFoundAgain) {
  make({}, 16384);
  std::set<EndpointId> ids;
  for (int i = 0; i < 16384; ++i) ids.insert(pool_.add("http/big/10.0.0.1:" + std::to_string(i)));
  EXPECT_EQ(ids.size(), 16384U);
  for (int i = 0; i < 16384; i += 17) {
    const std::string name = "http/big/10.0.0.1:" + std::to_string(i);
    EXPECT_EQ(pool_.view(pool_.find(name), config_, now_).name, name);
  }
}

TEST_F(EndpointsTest, SettingsAreReadBack) {
  const EndpointId id = pool_.add("a");
  pool_.configure(id, {.weight = 7,
                       .max_conns = 3,
                       .max_fails = 2,
                       .fail_timeout = std::chrono::seconds(4),
                       .flags = kDraining});
  const EndpointSettings s = pool_.settings(id);
  EXPECT_EQ(s.weight, 7U);
  EXPECT_EQ(s.max_conns, 3U);
  EXPECT_EQ(s.max_fails, 2U);
  EXPECT_EQ(s.fail_timeout, std::chrono::seconds(4));
  EXPECT_EQ(s.flags, kDraining);
}

TEST_F(EndpointsTest, AnEndpointThatComesBackUpStartsUnknown) {
  make({1, 1});
  for (int i = 0; i < 10; ++i) {
    sequence(20);
    tick();
  }
  ASSERT_TRUE(view(0).known);
  settle(0, {.flags = kDown});
  EXPECT_TRUE(view(0).known);
  settle(0, {});
  EXPECT_FALSE(view(0).known);
  EXPECT_TRUE(view(1).known);
}

}  // namespace
}  // namespace leastwise
