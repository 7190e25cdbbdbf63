// All servers stand still at once: learn/stall.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <queue>
#include <random>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

constexpr int kServers = 8;

// A request every 2 ms to servers of four slots, whose answers take 10 ms on average.
class StallTest : public PoolFixture {
 protected:
  void SetUp() override {
    make(std::vector<int>(kServers, 1));
    for (auto& slots : free_at_) slots.fill(now_);
  }

  // Each server's requests of the next milliseconds, as a multiple of an equal share.
  std::array<double, kServers> shares(int milliseconds) {
    std::array<int, kServers> picks{};
    for (int ms = 0; ms < milliseconds; ++ms) {
      now_ += 1ms;
      for (; !open_.empty() && open_.top().end <= now_; open_.pop()) finish_first();
      if (ms % 2 == 0) ++picks[send()];
      if (ms % 100 == 0) pool_.tick(config_, now_);
    }
    std::array<double, kServers> share{};
    std::ranges::transform(picks, share.begin(),
                           [&](int n) { return n * 2.0 * kServers / milliseconds; });
    return share;
  }

  // Nobody works for so long.
  void stall(Duration length) {
    for (auto& slots : free_at_) {
      for (TimePoint& slot : slots) slot = std::max(slot, now_) + length;
    }
    std::priority_queue<Open> later;
    for (; !open_.empty(); open_.pop()) {
      Open o = open_.top();
      o.end += length;
      later.push(o);
    }
    open_ = std::move(later);
  }

  std::array<double, kServers> slow_{1, 1, 1, 1, 1, 1, 1, 1};
  std::uint64_t finished_ = 0;

 private:
  struct Open {
    TimePoint end, start;
    Ticket ticket;
    bool operator<(const Open& other) const { return end > other.end; }
  };

  std::size_t send() {
    const Ticket t = pick();
    TimePoint& slot = *std::ranges::min_element(free_at_[t.member]);
    const double took =
        -10'000 * slow_[t.member] * std::log(1 - std::uniform_real_distribution<>()(random_));
    slot = std::max(slot, now_) + Duration(static_cast<std::int64_t>(took) + 1);
    open_.push({slot, now_, t});
    return t.member;
  }
  void finish_first() {
    const Open& o = open_.top();
    ++finished_;
    picker_.finish(config_, o.ticket, {.status = 200, .occupied = o.end - o.start}, now_);
    if (pool_.is_behind(slot_)) pool_.catch_up(config_, now_);
  }

  std::mt19937 random_{7};
  std::array<std::array<TimePoint, 4>, kServers> free_at_;
  std::priority_queue<Open> open_;
};

TEST_F(StallTest, EqualServersStayEqual) {
  shares(20'000);
  for (const Duration length : {Duration(300ms), Duration(1'500ms)}) {
    stall(length);
    shares(2'000);
    for (const double share : shares(8'000)) {
      EXPECT_GT(share, 0.8);
      EXPECT_LT(share, 1.2);
    }
  }
}

TEST_F(StallTest, WhatIsSetAsideIsCounted) {
  shares(20'000);
  tick();
  EXPECT_EQ(pool_.view().samples_set_aside, 0U);
  stall(300ms);
  shares(2'000);
  tick();
  const PoolView view = pool_.view();
  EXPECT_GT(view.samples_set_aside, 0U);
  EXPECT_LT(view.samples_set_aside, 200U);
  EXPECT_EQ(view.samples + view.samples_set_aside, finished_);
}

TEST_F(StallTest, WhatLastsIsLearned) {
  shares(20'000);
  slow_ = {1, 6, 6, 6, 6, 6, 6, 6};
  shares(4'000);
  EXPECT_GT(shares(4'000)[0], 2);
}

TEST_F(StallTest, OneThatStandsStillIsLeftOut) {
  shares(20'000);
  slow_[3] = 30;
  shares(1'000);
  EXPECT_LT(shares(4'000)[3], 0.3);
}

}  // namespace
}  // namespace leastwise
