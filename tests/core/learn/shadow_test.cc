// Shadow mode: what a pool that only watches says it would do, beside what it does when it chooses.
#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <queue>
#include <random>

#include "core/pool_fixture.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Servers of four slots and a queue each, requests at random: an event simulation.
class Shadow : public PoolFixture {
 protected:
  static constexpr std::size_t kSlots = 4;
  static constexpr double kMeanUs = 10'000;

  struct Job {
    TimePoint arrived;
    Ticket ticket;
    Would would;
    Duration service;
  };
  struct Server {
    double slow = 1;
    std::size_t in_flight = 0, busy = 0;
    std::deque<Job> waiting{};
  };
  struct End {
    TimePoint at;
    std::size_t server;
    Job job;
    bool operator>(const End& other) const { return at > other.at; }
  };
  // How the front end chooses.
  using Method = std::function<MemberIndex()>;

  void serve(std::initializer_list<double> slow) {
    servers_.clear();
    for (const double s : slow) servers_.push_back({.slow = s});
    make(std::vector<int>(servers_.size(), 1));
    slots_ = 0;
    for (const Server& s : servers_) slots_ += kSlots / s.slow;
  }

  MemberIndex least_conn() {
    std::vector<MemberIndex> best;
    std::size_t least = SIZE_MAX;
    for (MemberIndex m = 0; m < servers_.size(); ++m) {
      if (servers_[m].in_flight < least) best.clear();
      least = std::min(least, servers_[m].in_flight);
      if (servers_[m].in_flight == least) best.push_back(m);
    }
    return best[rng_() % best.size()];
  }
  MemberIndex round_robin() { return static_cast<MemberIndex>(turn_++ % servers_.size()); }

  void begin(std::size_t s, const Job& job) {
    ++servers_[s].busy;
    ends_.push({now_ + job.service, s, job});
  }
  void arrive(const Method& method) {
    Job job{.arrived = now_, .ticket = {}, .would = {}, .service = {}};
    Tried tried;
    const Request request{.in_flight = {}};
    if (config_.observe) {
      job.ticket = picker_.watch(config_, request, method(), tried, now_, job.would);
    } else {
      job.ticket = picker_.pick(config_, request, tried, now_);
    }
    const std::size_t s = job.ticket.member;
    Server& server = servers_[s];
    std::exponential_distribution<double> work(1 / (kMeanUs * server.slow));
    job.service = microseconds(1 + static_cast<int>(work(rng_)));
    ++server.in_flight;
    if (server.busy < kSlots) return begin(s, job);
    server.waiting.push_back(job);
  }
  void end() {
    const End e = ends_.top();
    ends_.pop();
    now_ = e.at;
    Server& server = servers_[e.server];
    --server.in_flight;
    --server.busy;
    if (!server.waiting.empty()) {
      const Job next = server.waiting.front();
      server.waiting.pop_front();
      begin(e.server, next);
    }
    Job job = e.job;
    const Outcome outcome{.status = 200, .occupied = now_ - job.arrived};
    picker_.finish(config_, job.ticket, outcome, now_);
    if (config_.observe) picker_.compare(job.ticket, job.would, outcome);
    if (now_ >= measured_from_) took_.push_back(this->seconds_of(outcome.occupied));
  }
  static double seconds_of(Duration d) { return static_cast<double>(d.count()) * 1e-6; }

  // At that part of all slots, for that long, after ten seconds to learn.
  void run(double load, std::chrono::seconds span, const Method& method = {}) {
    config_.observe = method != nullptr;
    took_.clear();
    std::exponential_distribution<double> gap(load * slots_ / kMeanUs);
    const TimePoint last = now_ + seconds(10) + span;
    measured_from_ = now_ + seconds(10);
    TimePoint next = now_;
    TimePoint tick = now_;
    while (now_ < last) {
      const TimePoint end_at = ends_.empty() ? last + seconds(1) : ends_.top().at;
      if (tick <= next && tick <= end_at) {
        now_ = tick;
        pool_.tick(config_, now_);
        tick += Pool::kTickPeriod;
      } else if (next <= end_at) {
        now_ = next;
        arrive(method);
        next += microseconds(static_cast<int>(gap(rng_)));
      } else {
        end();
      }
    }
    while (!ends_.empty()) end();
  }
  double p99() {
    std::ranges::sort(took_);
    return took_[took_.size() * 99 / 100];
  }
  double mean() {
    double sum = 0;
    for (const double t : took_) sum += t;
    return sum / static_cast<double>(took_.size());
  }

  // Watches the method, then chooses on the same servers: says whether the gain that was expected
  // is within a part of the gain that there is.
  struct Gains {
    double expected_p99, p99, expected_mean, mean;
  };
  Gains compare(std::initializer_list<double> slow, double load, const Method& method) {
    serve(slow);
    run(load, seconds(200), method);
    const ShadowView v = pool_.shadow(now_);
    const double before_p99 = p99(), before_mean = mean();
    serve(slow);
    run(load, seconds(200));
    const Gains gains{.expected_p99 = double{v.current.p99} - double{v.leastwise.p99},
                      .p99 = before_p99 - p99(),
                      .expected_mean = double{v.current.mean} - double{v.leastwise.mean},
                      .mean = before_mean - mean()};
    return gains;
  }

  state::Shared shared() {
    auto* header = reinterpret_cast<state::Header*>(memory_.span().data());
    return {header, static_cast<std::uint32_t>(pool_.capacity())};
  }

  std::vector<Server> servers_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  std::mt19937 rng_{7};
  std::size_t turn_ = 0;
  double slots_ = 0;
  TimePoint measured_from_{};
  std::vector<double> took_;
};

// The gain that was expected is within a quarter of the gain that there is.
void expect_within_a_quarter(double expected, double real) {
  EXPECT_GT(real, 0);
  EXPECT_NEAR(expected, real, real / 4);
}

TEST_F(Shadow, TheGainItExpectsIsWithinAQuarterOfWhatSwitchingOverBrings) {
  const Gains one = compare({1, 1, 1, 1, 1, 1, 1, 4}, 1.0 / 3, [this] { return least_conn(); });
  expect_within_a_quarter(one.expected_p99, one.p99);
  expect_within_a_quarter(one.expected_mean, one.mean);
  const Gains two = compare({1, 1, 1, 1, 1, 1, 4, 4}, 1.0 / 3, [this] { return least_conn(); });
  expect_within_a_quarter(two.expected_p99, two.p99);
  expect_within_a_quarter(two.expected_mean, two.mean);
}

TEST_F(Shadow, SoItIsWithServersOfFourSpeedsAtMoreLoad) {
  const std::initializer_list<double> slow = {1,   1,   1,   1,   1.5, 1.5, 1.5, 1.5,
                                              2.5, 2.5, 2.5, 2.5, 4,   4,   4,   4};
  const Gains low = compare(slow, 1.0 / 3, [this] { return least_conn(); });
  expect_within_a_quarter(low.expected_p99, low.p99);
  const Gains middle = compare(slow, 0.65, [this] { return least_conn(); });
  expect_within_a_quarter(middle.expected_p99, middle.p99);
}

TEST_F(Shadow, SoItIsUnderRoundRobinWhoseSlowServersAreNearlyFull) {
  const Gains gains = compare({1, 1, 1, 1, 1, 1, 4, 4}, 0.27, [this] { return round_robin(); });
  expect_within_a_quarter(gains.expected_p99, gains.p99);
  expect_within_a_quarter(gains.expected_mean, gains.mean);
}

TEST_F(Shadow, OfEqualServersItPromisesNothingThatThereIsNot) {
  serve({1, 1, 1, 1, 1, 1, 1, 1});
  run(0.5, seconds(100), [this] { return least_conn(); });
  const ShadowView v = pool_.shadow(now_);
  EXPECT_NEAR(v.leastwise.p99, v.current.p99, 0.1 * v.current.p99);
  EXPECT_NEAR(v.leastwise.mean, v.current.mean, 0.1 * v.current.mean);
}

TEST_F(Shadow, TheFastestIsNotExpectedToServeAll) {
  // By the real queues, which round robin keeps short there, it would look free at any time.
  serve({1, 1.5, 1.5, 1.5});
  run(0.6, seconds(60), [this] { return round_robin(); });
  std::vector<double> share;
  for (std::size_t i = 0; i < 4; ++i) share.push_back(static_cast<double>(view(i).shadow_picks));
  const double all = share[0] + share[1] + share[2] + share[3];
  EXPECT_GT(share[0] / all, 0.25);
  EXPECT_LT(share[0] / all, 0.55);
}

TEST_F(Shadow, NothingIsExpectedOfServersThatAnswerNothing) {
  serve({4, 1, 1});
  run(0.1, seconds(10), [this] { return round_robin(); });
  EXPECT_GT(pool_.shadow(now_).leastwise.p99, 0);
  run(0.1, seconds(700), [] { return MemberIndex{0}; });
  const ShadowView v = pool_.shadow(now_);
  EXPECT_LT(v.covered, ShadowView::kEnough);
  EXPECT_EQ(v.leastwise.p99, 0);
  EXPECT_GT(v.current.p99, 0);
}

TEST_F(Shadow, WhatWasSeenTenMinutesAgoIsForgotten) {
  serve({1, 1});
  run(0.2, seconds(20), [this] { return round_robin(); });
  EXPECT_GT(pool_.shadow(now_).answers, 0U);
  now_ += std::chrono::minutes(11);
  config_.observe = true;
  pool_.tick(config_, now_);
  EXPECT_EQ(pool_.shadow(now_).answers, 0U);
}

TEST_F(Shadow, WhatItCountsInFlightThereIsGoneWithTheAnswers) {
  serve({1, 4});
  run(0.5, seconds(20), [this] { return round_robin(); });
  for (const state::Shadowed& s : shared().shadowed()) EXPECT_EQ(s.load.get(), 0U);
}

TEST_F(Shadow, WhatAProcessThatDiedLeftThereFades) {
  serve({1, 1});
  run(0.2, seconds(10), [this] { return round_robin(); });
  config_.observe = true;
  for (int i = 0; i < 100; ++i) {
    Would would;
    picker_.watch(config_, {.in_flight = {}}, 0, Tried{}, now_, would);
  }
  EXPECT_GT(shared().shadowed()[index(members_[0].id)].load.get(), 10 * state::Shadowed::kOne);
  for (int i = 0; i < 6000; ++i) tick();  // ten minutes
  for (const state::Shadowed& s : shared().shadowed()) EXPECT_EQ(s.load.get(), 0U);
}

TEST_F(Shadow, WhoChoosesIsCountedAsTheFrontEnd) {
  make({1, 1});
  config_.observe = true;
  Would would;
  const Ticket ticket = picker_.watch(config_, {.in_flight = {}}, 1, Tried{}, now_, would);
  EXPECT_EQ(ticket.member, 1U);
  EXPECT_EQ(ticket.reason, Reason::kFrontEnd);
  EXPECT_EQ(would.member, kNoMember);  // nothing is learned yet
  EXPECT_EQ(view(1).in_flight, 1U);
  finish(ticket);
  EXPECT_EQ(view(1).in_flight, 0U);
  EXPECT_FALSE(picker_.watch(config_, {.in_flight = {}}, 2, Tried{}, now_, would));
}

TEST_F(Shadow, WhoIsOutOrWasTriedWouldNotBePicked) {
  serve({1, 1, 1});
  run(0.2, seconds(10), [this] { return round_robin(); });
  settle(2, {.flags = kDown});
  config_.observe = true;
  Tried tried;
  tried.insert(0);
  for (int i = 0; i < 20; ++i) {
    Would would;
    picker_.watch(config_, {.in_flight = {}}, 1, tried, now_, would);
    EXPECT_EQ(would.member, 1U);
  }
}

TEST_F(Shadow, ALargePoolIsWatchedToo) {
  serve({});
  servers_.assign(100, {.slow = 1});
  for (std::size_t i = 0; i < 50; ++i) servers_[i].slow = 4;
  make(std::vector<int>(100, 1));
  slots_ = 50 * kSlots + 50 * kSlots / 4.0;
  run(0.25, seconds(20), [this] { return round_robin(); });
  double slow = 0, fast = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    (i < 50 ? slow : fast) += static_cast<double>(view(i).shadow_picks);
  }
  EXPECT_GT(fast, 9 * slow);
}

TEST_F(Shadow, ADecisionThatIsWrittenDownNamesBoth) {
  serve({4, 1, 1});
  run(0.2, seconds(20), [this] { return round_robin(); });
  int differ = 0;
  Decision d;
  for (std::size_t i = 0; i < Decision::kShown && pool_.decision(i, now_, d); ++i) {
    if (d.second.id == kNoEndpoint) continue;
    ++differ;
    EXPECT_NE(d.second.id, d.chosen.id);
    EXPECT_GT(d.second.delay, 0);
  }
  EXPECT_GT(differ, 0);
}

TEST_F(Shadow, AFailureCountsForWhoWouldHaveMetIt) {
  serve({1, 1});
  run(0.2, seconds(20), [this] { return round_robin(); });
  config_.observe = true;
  // Round robin goes on to the broken one, Leastwise would not.
  for (int i = 0; i < 4000; ++i) {
    Would would;
    const auto member = static_cast<MemberIndex>(i % 2);
    const Ticket t = picker_.watch(config_, {.in_flight = {}}, member, Tried{}, now_, would);
    now_ += milliseconds(10);
    const Outcome outcome{.result = member == 0 ? Result::kServerError : Result::kOk,
                          .status = static_cast<std::uint16_t>(member == 0 ? 500 : 200),
                          .occupied = milliseconds(10)};
    picker_.finish(config_, t, outcome, now_);
    picker_.compare(t, would, outcome);
    if (i % 10 == 0) pool_.tick(config_, now_);
  }
  const ShadowView v = pool_.shadow(now_);
  EXPECT_GT(v.current.failures, 0.2F);
  EXPECT_LT(v.leastwise.failures, 0.5F * v.current.failures);
}

}  // namespace
}  // namespace leastwise
