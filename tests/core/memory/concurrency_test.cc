// Threads in the place of processes: what they share is the same memory.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class ConcurrencyTest : public PoolFixture {
 protected:
  static constexpr int kThreads = 4;

  void work(std::uint32_t pid, int rounds, int leak) {
    const ProcessSlot slot = pool_.join({.pid = pid}, everybody_lives);
    Memory memory(Picker::bytes_for(members_.size()));
    Picker picker;
    ASSERT_TRUE(Picker::create(pool_, slot, members_, memory.span(), pid, picker).ok());
    TimePoint now = kStart;
    std::vector<Ticket> open;
    for (int i = 0; i < rounds; ++i) {
      now += 100us;
      Tried tried;
      open.push_back(picker.pick(config_, {.route = pid % 3 + 1, .in_flight = {}}, tried, now));
      picks_ += bool(open.back());
      if (open.size() > 8) {
        picker.finish(config_, open.front(), {.status = 200, .occupied = 5ms}, now);
        open.erase(open.begin());
      }
      pool_.tick(config_, now);
      if (i % 16 == 0 || pool_.is_behind(slot)) pool_.catch_up(config_, now);
    }
    while (static_cast<int>(open.size()) > leak) {
      picker.finish(config_, open.back(), {.status = 200, .occupied = 5ms}, now);
      open.pop_back();
    }
  }
  void run(int rounds, int leak) {
    std::vector<std::thread> threads;
    for (std::uint32_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([=, this] { work(100 + t, rounds, leak); });
    }
    for (std::thread& t : threads) t.join();
  }
  std::uint64_t sum(std::uint64_t (*of)(const EndpointView&)) {
    std::uint64_t total = 0;
    for (std::size_t m = 0; m < members_.size(); ++m) total += of(view(m));
    return total;
  }

  std::atomic<std::uint64_t> picks_ = 0;
};

TEST_F(ConcurrencyTest, NothingIsLostAndNothingStaysInFlight) {
  make({1, 1, 1, 1, 1, 1, 1, 1});
  run(5'000, 0);
  EXPECT_EQ(sum([](const EndpointView& v) { return std::uint64_t{v.in_flight}; }), 0U);
  EXPECT_EQ(sum([](const EndpointView& v) { return v.picks; }), picks_);
  EXPECT_EQ(sum([](const EndpointView& v) { return v.results[0]; }), picks_);
  for (std::size_t m = 0; m < members_.size(); ++m) EXPECT_EQ(view(m).work_in_flight, 0);
}

TEST_F(ConcurrencyTest, WhatThreadsLeaveInFlightIsHealedOnceByTwo) {
  make({1, 1, 1});
  run(2'000, 3);
  EXPECT_EQ(sum([](const EndpointView& v) { return std::uint64_t{v.in_flight}; }), kThreads * 3U);
  std::vector<std::thread> healers;
  std::atomic<std::uint64_t> healed = 0;
  for (std::uint32_t h = 0; h < 2; ++h) {
    healers.emplace_back([&, h] {
      healed += pool_.heal({.pid = 500 + h},
                           [](Incarnation who) { return who.pid < 100 || who.pid >= 500; });
    });
  }
  for (std::thread& t : healers) t.join();
  EXPECT_EQ(healed, kThreads * 3U);
  EXPECT_EQ(sum([](const EndpointView& v) { return std::uint64_t{v.in_flight}; }), 0U);
}

// Generations that leave requests in flight and die, among others that live on, tick and heal.
class MortalityTest : public ConcurrencyTest {
 protected:
  static constexpr std::uint32_t kGenerations = 2000;
  static constexpr std::uint32_t kFirstMortal = 10'000;
  static constexpr std::uint64_t kLeft = 3;

  static bool is_alive(Incarnation who) {
    return who.pid < kFirstMortal || !is_dead_[who.pid - kFirstMortal];
  }

  void SetUp() override {
    for (std::atomic<bool>& dead : is_dead_) dead = false;
    make({1, 1, 1, 1});
  }

  TimePoint step() { return kStart + steps_.fetch_add(1) * 100us; }

  void live(std::uint32_t pid) {
    Memory memory(Picker::bytes_for(members_.size()));
    Picker picker;
    ASSERT_TRUE(Picker::create(pool_, pool_.join({.pid = pid}, is_alive), members_, memory.span(),
                               pid, picker)
                    .ok());
    for (int i = 0; living_mortals_ > 0; ++i) {
      Tried tried;
      const Ticket ticket = picker.pick(config_, {}, tried, step());
      pool_.tick(config_, step());
      picker.finish(config_, ticket, {.status = 200, .occupied = 1ms}, step());
      if (i % 16 == 0) pool_.heal({.pid = pid}, is_alive);
    }
  }

  void live_and_die(std::uint32_t line) {
    for (std::uint32_t i = 0; i < kGenerations; ++i) {
      const std::uint32_t pid = kFirstMortal + line * kGenerations + i;
      Memory memory(Picker::bytes_for(members_.size()));
      Picker picker;
      ASSERT_TRUE(Picker::create(pool_, pool_.join({.pid = pid}, is_alive), members_, memory.span(),
                                 pid, picker)
                      .ok());
      for (std::uint64_t k = 0; k < kLeft; ++k) {
        Tried tried;
        picks_ += bool(picker.pick(config_, {}, tried, step()));
      }
      is_dead_[pid - kFirstMortal] = true;
    }
    --living_mortals_;
  }

  static std::array<std::atomic<bool>, 2 * kGenerations> is_dead_;
  std::atomic<std::int64_t> steps_ = 0;
  std::atomic<int> living_mortals_ = 2;
};

std::array<std::atomic<bool>, 2 * MortalityTest::kGenerations> MortalityTest::is_dead_;

TEST_F(MortalityTest, WhatTheDeadHeldIsGivenBackOnceWhileOthersWork) {
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < 2; ++t) {
    threads.emplace_back([this, t] { live(100 + t); });
    threads.emplace_back([this, t] { live_and_die(t); });
  }
  for (std::thread& t : threads) t.join();
  pool_.heal({.pid = 1}, is_alive);
  EXPECT_EQ(picks_, 2 * kGenerations * kLeft);
  EXPECT_EQ(sum([](const EndpointView& v) { return v.healed; }), picks_);
  EXPECT_EQ(sum([](const EndpointView& v) { return std::uint64_t{v.in_flight}; }), 0U);
  EXPECT_EQ(pool_.view().processes, 3U);  // the two, and the fixture's own
}

TEST_F(ConcurrencyTest, MaxConnsIsNeverExceeded) {
  make({1, 1});
  settle(0, {.max_conns = 5});
  settle(1, {.max_conns = 5});
  std::atomic<bool> exceeded = false;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      Memory memory(Picker::bytes_for(members_.size()));
      Picker picker;
      ASSERT_TRUE(Picker::create(pool_, pool_.join({.pid = 100 + t}, everybody_lives), members_,
                                 memory.span(), t, picker)
                      .ok());
      for (int i = 0; i < 3'000; ++i) {
        std::vector<Ticket> mine;
        for (int k = 0; k < 4; ++k) {
          Tried tried;
          mine.push_back(picker.pick(config_, {}, tried, kStart));
        }
        if (view(0).in_flight > 5 || view(1).in_flight > 5) exceeded = true;
        for (const Ticket& ticket : mine) picker.finish(config_, ticket, {}, kStart);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
}

TEST_F(ConcurrencyTest, TheSameNewNamesAddedByAllAreAddedOnce) {
  make({}, 256);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) pool_.add("http/u/" + std::to_string(i));
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(pool_.view().endpoints, 100U);
}

}  // namespace
}  // namespace leastwise
