// Requests that stay long, from the pick to what the next ones find.
#include <gtest/gtest.h>

#include <vector>

#include "core/pool_fixture.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kQuick = 1;
constexpr std::uint64_t kPoll = 2;

class GuestsTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("adaptive");
    make({1, 1});
    quick(200);
  }
  Ticket on(MemberIndex member, std::uint64_t route) {
    return picker_.adopt(config_, {.route = route, .in_flight = {}}, member, now_);
  }
  void quick(int requests, Duration took = 20ms) {
    for (int i = 0; i < requests; ++i) {
      finish(on(static_cast<MemberIndex>(i % 2), kQuick), Result::kOk, took);
      if (i % 20 == 0) tick();
    }
  }
  // A poll of 15 s was answered, and the pool has heard of it.
  void learn_polls() {
    for (int i = 0; i < 4; ++i) finish(on(0, kPoll), Result::kOk, 15s);
    tick();
  }
};

TEST_F(GuestsTest, APollKeepsItsPlaceAndIsNoQueue) {
  learn_polls();
  const Ticket poll = on(0, kPoll);
  EXPECT_EQ(view(0).in_flight, 1U);
  EXPECT_EQ(view(0).held, 1U);
  EXPECT_EQ(view(0).work_in_flight, 0);
  EXPECT_EQ(on(0, kQuick).at_server, 0U);
  EXPECT_EQ(on(1, kQuick).at_server, 0U);
  finish(poll, Result::kOk, 15s);
  EXPECT_EQ(view(0).in_flight, 1U);  // the quick one
  EXPECT_EQ(view(0).held, 0U);
}

TEST_F(GuestsTest, APollTeachesNothingOfSpeedAndOfWhatIsUsual) {
  const float slowness = view(0).slowness;
  learn_polls();
  const double mean = pool_.view().mean_cost;
  for (int i = 0; i < 50; ++i) {
    finish(on(0, kPoll), Result::kOk, 15s);
    tick();
  }
  EXPECT_NEAR(pool_.view().mean_cost, mean, 0.001);
  EXPECT_LT(mean, 0.030);
  EXPECT_NEAR(view(0).slowness, slowness, 0.5F * slowness);
}

TEST_F(GuestsTest, PollsAreSpreadAsAreRequestsInFlight) {
  learn_polls();
  for (int i = 0; i < 20; ++i) {
    Tried tried;
    ASSERT_TRUE(picker_.pick(config_, {.route = kPoll, .in_flight = {}}, tried, now_));
  }
  EXPECT_EQ(view(0).held + view(1).held, 20U);
  EXPECT_GE(view(0).held, 8U);
  EXPECT_GE(view(1).held, 8U);
}

TEST_F(GuestsTest, ManyPollsSendNobodyElsewhere) {
  learn_polls();
  for (int i = 0; i < 20; ++i) on(0, kPoll);
  tick();
  int first = 0;
  for (int i = 0; i < 40; ++i) {
    Tried tried;
    const Ticket t = picker_.pick(config_, {.route = kQuick, .in_flight = {}}, tried, now_);
    first += t.member == 0 ? 1 : 0;
    finish(t, Result::kOk, 20ms);
  }
  EXPECT_GT(first, 8);
}

TEST_F(GuestsTest, WhoTurnsOutToBeQuickIsAsOthersAre) {
  learn_polls();
  for (int i = 0; i < 40; ++i) finish(on(0, kPoll), Result::kOk, 20ms);
  tick();
  const Ticket t = on(0, kPoll);
  EXPECT_EQ(view(0).held, 0U);
  EXPECT_GT(view(0).work_in_flight, 0);
  finish(t, Result::kOk, 20ms);
}

// Four polls sit on the first server, and whoever comes after them waits for seconds there.
TEST_F(GuestsTest, WhoseFollowersWaitCountsAsQueueFromThenOn) {
  learn_polls();
  for (int i = 0; i < 4; ++i) on(0, kPoll);
  for (int i = 0; i < 20; ++i) {
    finish(on(0, kQuick), Result::kOk, i % 2 == 0 ? 4s : 2s);
    finish(on(1, kQuick), Result::kOk, 20ms);
    tick();
  }
  const Ticket report = on(1, kPoll);
  EXPECT_EQ(view(1).held, 0U);
  EXPECT_GT(view(1).work_in_flight, 5);
  finish(report, Result::kOk, 15s);
  EXPECT_EQ(view(1).work_in_flight, 0);
}

// Sessions whose answer begins soon, four times as late at the second of four servers, and which
// stay: forty at a time.
class SessionsTest : public GuestsTest {
 protected:
  static constexpr std::uint64_t kSession = 3;
  static constexpr MemberIndex kServers = 4;

  void SetUp() override {
    use("adaptive");
    make({1, 1, 1, 1});
    for (MemberIndex i = 0; i < 200; ++i) {
      finish(on(i % kServers, kQuick), Result::kOk, i % kServers == 1 ? 80ms : 20ms);
      if (i % 20 == 0) tick();
    }
  }
  static Outcome begun(MemberIndex member) {
    const Duration took = member == 1 ? 80ms : 20ms;
    return {.result = Result::kOk,
            .first_byte = took,
            .occupied = took,
            .round_trip = Duration::zero()};
  }
  void begin(Ticket ticket) {
    now_ += 750ms;
    picker_.answered(config_, ticket, begun(ticket.member), now_, nullptr);
    open_.push_back(ticket);
    if (open_.size() > 40) {
      picker_.release(config_, open_.front(), now_);
      open_.erase(open_.begin());
    }
    tick();
  }
  // How many of so many the slow server got.
  int slow_of(int n) {
    int slow = 0;
    for (int i = 0; i < n; ++i) {
      Tried tried;
      const Ticket t = picker_.pick(config_, {.route = kSession, .in_flight = {}}, tried, now_);
      slow += t.member == 1 ? 1 : 0;
      begin(t);
    }
    return slow;
  }
  std::vector<Ticket> open_;
};

TEST_F(SessionsTest, KeepAwayFromWhoBeginsLateOnceTheyAreKnownToDelayNobody) {
  for (MemberIndex i = 0; i < 100; ++i) begin(on(i % kServers, kSession));
  EXPECT_LE(slow_of(100), 10);
}

}  // namespace
}  // namespace leastwise
