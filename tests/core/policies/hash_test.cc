#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

int count(const std::vector<EndpointId>& homes, EndpointId id) {
  return static_cast<int>(std::ranges::count(homes, id));
}

class HashTest : public PoolFixture {
 protected:
  void SetUp() override { use("hash"); }

  Ticket pick_key(std::uint64_t key, Tried& tried) {
    return picker_.pick(config_, {.route = 0, .key = key, .in_flight = {}}, tried, now_);
  }
  Ticket pick_key(std::uint64_t key) {
    Tried tried;
    return pick_key(key, tried);
  }
  // Where each of so many keys goes while nothing is in flight.
  std::vector<EndpointId> homes(std::uint64_t keys) {
    std::vector<EndpointId> ids;
    for (std::uint64_t key = 1; key <= keys; ++key) {
      const Ticket t = pick_key(key);
      ids.push_back(t.id);
      finish(t, Result::kCancelled);
    }
    return ids;
  }
  void rebuild() {
    picker_memory_ = Memory(Picker::bytes_for(members_.size()));
    ASSERT_TRUE(Picker::create(pool_, slot_, members_, picker_memory_.span(), 77, picker_).ok());
  }

  // Takes one server away; `gone` is how often it was home.
  void expect_that_only_its_keys_move(std::size_t victim, const std::vector<EndpointId>& before) {
    const EndpointId id = members_[victim].id;
    settle(victim, {.weight = pool_.settings(id).weight, .flags = kDown});
    const std::vector<EndpointId> after = homes(before.size());
    std::map<EndpointId, int> heirs;
    for (std::size_t i = 0; i < before.size(); ++i) {
      ASSERT_NE(after[i], id);
      if (before[i] != id) {
        ASSERT_EQ(after[i], before[i]) << "key " << i + 1;
      } else {
        ++heirs[after[i]];
      }
    }
    EXPECT_GT(heirs.size(), 5U) << "its keys should not all fall on one other";
    settle(victim, {.weight = pool_.settings(id).weight});
    EXPECT_EQ(homes(before.size()), before) << "back, it has its keys again";
  }
};

TEST_F(HashTest, WhenAServerGoesOnlyItsKeysMove) {
  make(std::vector<int>(10, 1));
  const std::vector<EndpointId> before = homes(10'000);
  // Its part is n p = 1,000, σ = √(n p (1-p)) = 30; 5σ.
  for (const Member& m : members_) EXPECT_NEAR(count(before, m.id), 1'000, 150);
  expect_that_only_its_keys_move(3, before);
}

TEST_F(HashTest, AlsoInALargePool) {
  make(std::vector<int>(200, 1));
  const std::vector<EndpointId> before = homes(20'000);
  // n p = 100, σ = 10; 5σ.
  for (const Member& m : members_) EXPECT_NEAR(count(before, m.id), 100, 50);
  for (const std::size_t victim : {0U, 77U, 199U}) expect_that_only_its_keys_move(victim, before);
}

TEST_F(HashTest, AlsoWithWeights) {
  make({3, 1, 1, 2, 1, 1, 4, 1});
  const std::vector<EndpointId> before = homes(14'000);
  // n w / Σw: σ ≤ √(14,000 · 2/7 · 5/7) = 53; 5σ.
  EXPECT_NEAR(count(before, members_[0].id), 3'000, 265);
  EXPECT_NEAR(count(before, members_[1].id), 1'000, 265);
  EXPECT_NEAR(count(before, members_[6].id), 4'000, 265);
  expect_that_only_its_keys_move(0, before);
}

TEST_F(HashTest, MoreWeightDrawsKeysAndMovesNoOthers) {
  make({1, 1, 1, 1});
  const std::vector<EndpointId> before = homes(5'000);
  settle(2, {.weight = 2});
  const std::vector<EndpointId> after = homes(5'000);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (after[i] != before[i]) {
      ASSERT_EQ(after[i], members_[2].id);
    }
  }
  EXPECT_NEAR(count(after, members_[2].id), 2'000, 5 * 35);  // n 2/5, 5σ
}

TEST_F(HashTest, AnotherOrderOfTheServersMovesNoKey) {
  for (const std::size_t servers : {8U, 100U}) {
    make(std::vector<int>(servers, 1));
    settle(1, {.weight = 3});
    const std::vector<EndpointId> before = homes(3'000);
    std::ranges::reverse(members_);
    std::swap(members_[0], members_[servers / 2]);
    rebuild();
    EXPECT_EQ(homes(3'000), before) << servers;
  }
}

TEST_F(HashTest, OneHotKeySpillsOverAtTheBound) {
  make({1, 1, 1, 1});
  std::map<MemberIndex, int> hits;
  for (int i = 0; i < 400; ++i) {
    const Ticket t = pick_key(42);
    // ⌈1.25 (mean in flight + 1)⌉, before this one.
    ASSERT_LE(t.in_flight + 1, std::ceil(1.25 * (i / 4.0 + 1)));
    ++hits[t.member];
  }
  // Its own server and the next on are filled to the bound, not to the mean.
  std::vector<int> sorted;
  for (const auto& [member, n] : hits) sorted.push_back(n);
  std::ranges::sort(sorted, std::greater<>());
  ASSERT_GE(sorted.size(), 4U);
  EXPECT_GE(sorted[0], 124);
  EXPECT_GE(sorted[1], 120);
  EXPECT_LT(sorted[3], 40);
}

TEST_F(HashTest, TheBoundHoldsForManyKeysAndWeights) {
  make({4, 2, 1, 1});
  for (std::uint64_t i = 0; i < 800; ++i) {
    const Ticket t = pick_key(1 + i % 7);
    const double weight = pool_.settings(t.id).weight;
    ASSERT_LE(t.in_flight + 1, std::ceil(1.25 * (static_cast<double>(i) + 4) * weight / 8));
  }
}

TEST_F(HashTest, InAnIdlePoolTwoRequestsOfAKeyAtOnceStayTogether) {
  make(std::vector<int>(20, 1));
  const Ticket first = pick_key(9);
  const Ticket second = pick_key(9);
  EXPECT_EQ(first.member, second.member);
}

TEST_F(HashTest, InALargePoolAHotKeySpillsOver) {
  make(std::vector<int>(100, 1));
  const std::vector<EndpointId> before = homes(1);
  std::map<EndpointId, int> hits;
  for (int i = 0; i < 100; ++i) ++hits[pick_key(1).id];
  // Alone in its 21 probes it may hold 1.25 (100/21 + 1) at most, and they all do.
  EXPECT_GT(hits.size(), 10U);
  for (const auto& [id, n] : hits) EXPECT_LE(n, 25);
  EXPECT_GT(hits[before[0]], 3);
}

TEST_F(HashTest, ARetryGoesWhereTheKeyWouldBeIfTheServerWereDown) {
  for (const std::size_t servers : {6U, 80U}) {
    make(std::vector<int>(servers, 1));
    for (std::uint64_t key = 1; key < 50; ++key) {
      Tried tried;
      const Ticket first = pick_key(key, tried);
      const Ticket retry = pick_key(key, tried);
      finish(first, Result::kCancelled);
      finish(retry, Result::kCancelled);
      settle(first.member, {.weight = 1, .flags = kDown});
      const Ticket heir = pick_key(key);
      finish(heir, Result::kCancelled);
      settle(first.member, {.weight = 1});
      ASSERT_EQ(retry.member, heir.member);
    }
  }
}

TEST_F(HashTest, WithoutAKeyItIsLeastConn) {
  make({3, 1});
  EXPECT_EQ(spread(8), (std::vector<int>{6, 2}));
}

}  // namespace
}  // namespace leastwise
