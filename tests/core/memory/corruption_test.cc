// Shared memory full of random words: no crash, no index out of range, and it heals.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstring>

#include "core/pool_fixture.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class CorruptionTest : public PoolFixture {
 protected:
  void damage(Rng& rng, int words) {
    auto memory = memory_.span();
    for (int i = 0; i < words; ++i) {
      const std::size_t at = 8 * rng.below(static_cast<std::uint32_t>(memory.size() / 8));
      const std::uint64_t word = rng.below(4) == 0 ? ~std::uint64_t{0} : rng.next();
      std::memcpy(memory.data() + at, &word, sizeof word);
    }
  }
  void traffic(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      for (std::uint64_t k = 0; k < 10; ++k) {
        const Ticket t = pick(k % 3);
        if (t) {
          ASSERT_LT(t.member, members_.size());
          if (t.second != kNoMember) {
            ASSERT_LT(t.second, members_.size());
          }
        }
        finish(t, Result::kOk, 5ms);
      }
      if (i % 2 == 0 || pool_.is_behind(slot_)) pool_.catch_up(config_, now_);
      tick();
      pool_.heal({.pid = 1}, nobody_lives);
    }
  }
};

TEST_F(CorruptionTest, OfAThousandSeedsNoneCrashesAndAllHealWithinTenSeconds) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    make({1, 2, 1, 1});
    traffic(5);
    Rng rng(seed);
    config_.outlier = seed % 2 == 1;
    config_.switchback = seed % 5 == 0;
    config_.report = seed % 3 == 0 ? ReportMetric("on") : ReportMetric();
    damage(rng, 400);
    traffic(10);
    for (std::size_t m = 0; m < members_.size(); ++m) {
      settle(m, {.weight = 1});  // as a reload does
    }
    traffic(90);
    for (std::size_t m = 0; m < members_.size(); ++m) {
      const EndpointView v = view(m);
      ASSERT_EQ(v.in_flight, 0U) << "seed " << seed;
      ASSERT_TRUE(std::isfinite(v.slowness))
          << "seed " << seed << " evidence " << v.evidence << " pool " << pool_.view().slowness
          << " mean cost " << pool_.view().mean_cost << " ticks " << pool_.view().ticks
          << " samples " << pool_.view().samples << " learned " << pool_.view().learned;
      ASSERT_GE(v.slowness, 0) << "seed " << seed;
    }
    const Ticket t = pick();
    ASSERT_TRUE(t) << "seed " << seed;
    finish(t, Result::kOk, 5ms);
  }
}

TEST_F(CorruptionTest, EveryPolicyPicksAMemberOfDamagedMemory) {
  for (const Policy* policy : policies()) {
    config_.policy = policy;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      make(std::vector<int>(seed % 2 == 0 ? 80 : 4, 1));
      traffic(5);
      Rng rng(seed);
      damage(rng, 4000);
      for (std::uint64_t key = 1; key < 200; ++key) {
        Tried tried;
        const Ticket t =
            picker_.pick(config_, {.route = 0, .key = key, .in_flight = {}}, tried, now_);
        ASSERT_TRUE(!t || t.member < members_.size()) << policy->name << " seed " << seed;
        finish(t, Result::kOk, 5ms);
      }
    }
  }
}

TEST_F(CorruptionTest, TheHeadOfAPoolThatIsInUseIsMendedAndNothingIsForgotten) {
  make({1, 2});
  traffic(20);
  const auto* header = reinterpret_cast<state::Header*>(memory_.span().data());
  EXPECT_FALSE(pool_.restore_head());
  const std::size_t words[] = {offsetof(state::Header, magic), offsetof(state::Header, layout),
                               offsetof(state::Header, capacity),
                               offsetof(state::Header, hash_seed)};
  for (const std::size_t at : words) {
    const std::uint32_t wrong = 0xffffffff;
    std::memcpy(memory_.span().data() + at, &wrong, sizeof wrong);
    Pool other;
    EXPECT_FALSE(Pool::attach(memory_.span(), other).ok()) << at;
    EXPECT_TRUE(pool_.restore_head()) << at;
    ASSERT_TRUE(Pool::attach(memory_.span(), other).ok()) << at;
    EXPECT_EQ(other.capacity(), pool_.capacity());
    EXPECT_TRUE(view(0).known && view(1).known);
  }
  EXPECT_EQ(header->residency_sets, 0U);
}

// They are in units of its costs.
TEST_F(CorruptionTest, WhatIsKnownOfEndpointsGoesWithAModelThatIsInsane) {
  make({1, 1});
  traffic(20);
  ASSERT_TRUE(view(0).known && view(1).known);
  auto* header = reinterpret_cast<state::Header*>(memory_.span().data());
  const double nan = NAN;
  std::memcpy(static_cast<void*>(&header->model), &nan, sizeof nan);
  tick();
  EXPECT_FALSE(view(0).known || view(1).known);
  EXPECT_FALSE(pool_.view().learned);
  traffic(20);
  EXPECT_TRUE(pool_.view().learned);
  EXPECT_NEAR(pool_.view().mean_cost, 0.005, 0.001);
}

TEST_F(CorruptionTest, ATimeThatIsNoNumberIsForgotten) {
  use("least_time");
  make({1, 1});
  traffic(20);
  // The word of an answer time is found by its value: 5 ms, or what the mean was.
  auto memory = memory_.span();
  const Ticket before = pick();
  const float time = before.score;
  finish(before, Result::kCancelled);
  int damaged = 0;
  for (std::size_t at = 4; at < memory.size(); at += 8) {
    float value = 0;
    std::memcpy(&value, memory.data() + at, sizeof value);
    if (value != time) continue;
    const float infinite = INFINITY;
    std::memcpy(memory.data() + at, &infinite, sizeof infinite);
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  traffic(100);
  const Ticket after = pick();
  EXPECT_TRUE(std::isfinite(after.score) && std::isfinite(after.second_score));
  EXPECT_NEAR(after.score, 0.005, 0.002);
}

}  // namespace
}  // namespace leastwise
