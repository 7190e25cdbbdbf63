// What kind of answer it is counts: who refuses in a millisecond where others make a page must not
// look like the fastest server of the pool.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <vector>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kServers = 3;
constexpr std::size_t kSlots = 8;
constexpr double kPage = 0.02;  // seconds, on the mean

// How one of the servers answers.
struct Manner {
  AnswerKind kind = AnswerKind::kFull;
  double seconds = kPage;   // on the mean
  bool is_at_once = false;  // in just so long, however many there are
  double part = 1;          // of its requests; the others as a page
};

// A pool under Poisson arrivals, each server with a queue before its slots, in a time of its own.
class AnswerKinds : public PoolFixture {
 protected:
  void SetUp() override { make({1, 1, 1}); }

  // Requests per second that each server gets, after five seconds.
  std::vector<double> run(double per_second, double seconds) {
    run_on(per_second, 5);
    return run_on(per_second, seconds);
  }

  std::vector<double> run_on(double per_second, double seconds) {
    std::vector<double> rates(kServers);
    const double until = t_ + seconds;
    for (double next = t_; t_ < until;) {
      const bool arrives = ends_.empty() || next <= ends_.top().at;
      t_ = arrives ? next : ends_.top().at;
      advance(t_);
      if (arrives) {
        rates[begin(t_)] += 1 / seconds;
        next += exponential(1 / per_second);
      } else {
        end();
      }
    }
    return rates;
  }

  double share(std::size_t server, double per_second, double seconds) {
    return run(per_second, seconds)[server] * kServers / per_second;
  }

  std::array<Manner, kServers> manner_;

 private:
  struct End {
    double at;
    Ticket ticket;
    AnswerKind kind;
    bool operator<(const End& other) const { return at > other.at; }
  };

  double uniform() { return static_cast<double>(rng_.next() >> 11) * 0x1p-53; }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

  void advance(double t) {
    const TimePoint to = kStart + Duration(static_cast<std::int64_t>(t * 1e6));
    while (now_ + Pool::kTickPeriod - Duration((now_ - kStart) % Pool::kTickPeriod) <= to) {
      now_ += Pool::kTickPeriod - Duration((now_ - kStart) % Pool::kTickPeriod);
      pool_.tick(config_, now_);
    }
    now_ = to;
  }

  MemberIndex begin(double t) {
    const Ticket ticket = pick(7);
    Manner manner = manner_[ticket.member];
    if (uniform() >= manner.part) manner = {};
    if (manner.is_at_once) {
      ends_.push({t + manner.seconds, ticket, manner.kind});
      return ticket.member;
    }
    // The slot that is free first.
    double& slot = *std::ranges::min_element(free_[ticket.member]);
    slot = std::max(t, slot) + exponential(manner.seconds);
    ends_.push({slot, ticket, manner.kind});
    return ticket.member;
  }

  void end() {
    const End e = ends_.top();
    ends_.pop();
    picker_.finish(config_, e.ticket,
                   {.result = Result::kOk,
                    .status = 200,
                    .kind = e.kind,
                    .occupied = std::max(Duration{1}, now_ - e.ticket.start)},
                   now_);
  }

  Rng rng_{1};
  double t_ = 0;  // seconds since kStart
  std::priority_queue<End> ends_;
  std::array<std::array<double, kSlots>, kServers> free_{};
};

constexpr double kHalfLoad = 0.5 * kServers * kSlots / kPage;  // 600 a second

TEST_F(AnswerKinds, WhoRefusesInAMillisecondGetsNoMoreAtHalfLoad) {
  manner_[1] = {.kind = AnswerKind::kRefusal, .seconds = 0.001, .is_at_once = true};
  EXPECT_LE(share(1, kHalfLoad, 30), 1.2);
}

TEST_F(AnswerKinds, NorAtALightLoad) {
  manner_[1] = {.kind = AnswerKind::kRefusal, .seconds = 0.001, .is_at_once = true};
  EXPECT_LE(share(1, kHalfLoad / 10, 60), 1.2);
}

TEST_F(AnswerKinds, NorWithEmptyAnswers) {
  manner_[2] = {.kind = AnswerKind::kEmpty, .seconds = 0.001, .is_at_once = true};
  EXPECT_LE(share(2, kHalfLoad, 20), 1.2);
}

TEST_F(AnswerKinds, NorWithRedirects) {
  manner_[0] = {.kind = AnswerKind::kRedirect, .seconds = 0.001, .is_at_once = true};
  EXPECT_LE(share(0, kHalfLoad, 20), 1.2);
}

TEST_F(AnswerKinds, NorWhenAllOthersBecomeTenTimesSlower) {
  manner_.fill({.seconds = kPage / 10});
  manner_[1] = {.kind = AnswerKind::kRefusal, .seconds = 0.001, .is_at_once = true};
  run(kHalfLoad / 10, 5);
  manner_[0] = manner_[2] = {};
  run_on(kHalfLoad / 10, 5);
  EXPECT_LE(3 * run_on(kHalfLoad / 10, 20)[1] / (kHalfLoad / 10), 1.2);
}

TEST_F(AnswerKinds, OfTwoAlikeInSpeedTheQuickRefusalsAreNoDistanceEither) {
  manner_[1] = {.kind = AnswerKind::kRefusal, .seconds = 0.001, .is_at_once = true};
  run(kHalfLoad, 10);
  EXPECT_LT(view(0).base, 0.005F);
  EXPECT_NEAR(view(1).slowness / pool_.view().slowness, 1, 0.25);
}

TEST_F(AnswerKinds, WhereAllRefuseTheFasterOneIsStillFaster) {
  manner_.fill({.kind = AnswerKind::kRefusal, .seconds = kPage});
  manner_[0].seconds = kPage / 4;
  EXPECT_GE(share(0, kHalfLoad, 20), 1.5);
}

TEST_F(AnswerKinds, WhereAllRefuseHalfAllAreAlike) {
  manner_.fill({.kind = AnswerKind::kRefusal, .seconds = 0.001, .is_at_once = true, .part = 0.5});
  const std::vector<double> rates = run(kHalfLoad, 20);
  EXPECT_LE(*std::ranges::max_element(rates), 1.5 * *std::ranges::min_element(rates));
}

TEST_F(AnswerKinds, WhoLeavesAfterALongWaitSaysThatTheServerIsSlow) {
  for (int i = 0; i < 200; ++i) sequence(1, 20ms), tick();
  ASSERT_LT(view(0).slowness, 1.5F);
  const float before = view(0).slowness;
  // One tells little of servers that were alike so far; a few do.
  for (int i = 0; i < 8; ++i) {
    const Ticket t = picker_.adopt(config_, {.in_flight = {}}, 0, now_);
    now_ += 1s;
    picker_.finish(config_, t, {.result = Result::kClientGone, .occupied = 1s}, now_);
    sequence(4, 20ms);
    tick();
  }
  EXPECT_GT(view(0).slowness, 2 * before);
  EXPECT_EQ(view(0).error_share, 0);
}

TEST_F(AnswerKinds, WhoLeavesSoonOrDuringTheAnswerSaysNothing) {
  for (int i = 0; i < 200; ++i) sequence(1, 20ms), tick();
  for (const Outcome& outcome :
       {Outcome{.result = Result::kClientGone, .occupied = 5ms},
        Outcome{.result = Result::kClientGone, .first_byte = 20ms, .occupied = 5s},
        Outcome{.result = Result::kClientGone}}) {
    const Ticket t = pick();
    const float before = view(t.member).slowness;
    picker_.finish(config_, t, outcome, now_);
    EXPECT_EQ(view(t.member).slowness, before);
  }
}

}  // namespace
}  // namespace leastwise
