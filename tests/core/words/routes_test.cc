#include "words/routes.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

namespace leastwise {
namespace {

class RoutesTest : public ::testing::Test {
 protected:
  void SetUp() override { routes_->clear(); }
  // As a request for that path finds it.
  std::uint16_t find(const std::string& path) {
    Route route;
    route.fold("GET", path);
    return routes_->find(route.hash(), route.name());
  }
  std::string name(std::uint16_t slot) const {
    std::array<char, Route::kMostText> text;
    return {text.data(), routes_->copy_name(slot, text.data())};
  }
  void count(std::uint16_t slot, std::uint32_t samples, std::int64_t now_ms = 1) {
    for (std::uint32_t i = 0; i < samples; ++i) routes_->count(slot, now_ms);
  }
  // The family of `path`, seen often enough to have routes of its own.
  std::uint16_t make_family(const std::string& path, float cost = 0.01F) {
    const std::uint16_t slot = find(path);
    count(slot, Routes::kFewSamples);
    routes_->set_costs(slot, {.cost = cost, .slow = cost});
    return slot;
  }
  // A route of which much is known.
  std::uint16_t make_known(const std::string& path, float cost, std::int64_t now_ms = 1) {
    const std::uint16_t slot = find(path);
    count(slot, 1'000, now_ms);
    count(routes_->family(slot), 1'000, now_ms);
    routes_->set_costs(slot, {.cost = cost, .slow = cost});
    routes_->set_spread(slot, 1);
    return slot;
  }
  // Requests for as many paths that nobody has; returns how many slots they got.
  std::size_t make_up(std::size_t paths) {
    std::set<std::uint16_t> slots;
    for (std::size_t i = 0; i < paths; ++i) slots.insert(find("/api/" + made_up(i)));
    return slots.size();
  }
  // Letters only: nothing that would be folded.
  static std::string made_up(std::size_t i) {
    std::string text = "x";
    for (; i > 0; i /= 19) text += static_cast<char>('g' + i % 19);
    return text;
  }
  std::size_t in_use() const {
    std::size_t n = 0;
    for (std::uint16_t slot = 0; slot < Routes::kSlots; ++slot) n += routes_->is_known(slot);
    return n;
  }

  std::unique_ptr<Routes> routes_ = std::make_unique<Routes>();
};

TEST_F(RoutesTest, TheSameHashIsTheSameSlot) {
  const std::uint16_t slot = routes_->find(12345);
  EXPECT_LT(slot, Routes::kSlots);
  EXPECT_EQ(routes_->find(12345), slot);
}

TEST_F(RoutesTest, RequestsThatAreNotToldApartShareOneSlot) {
  EXPECT_EQ(routes_->find(0), Routes::kOther);
}

TEST_F(RoutesTest, MadeUpRoutesFindNoRoomAndMakeRoomWithinSeconds) {
  std::set<std::uint16_t> slots;
  for (std::uint64_t i = 1; i <= 10'000; ++i) slots.insert(routes_->find(i * 0x9e3779b97f4a7c15));
  EXPECT_TRUE(slots.count(Routes::kOther));
  const std::uint64_t honest = 42;
  EXPECT_EQ(routes_->find(honest), Routes::kOther);
  routes_->expire(1'000);  // their time starts
  routes_->expire(6'100);
  EXPECT_LT(routes_->find(honest), Routes::kSlots);
}

TEST_F(RoutesTest, ARouteInUseStays) {
  const std::uint16_t slot = routes_->find(42);
  routes_->set_costs(slot, {.cost = 0.5F, .slow = 0.4F});
  for (int ms = 1'000; ms < 900'000; ms += 1'000) {
    routes_->count(slot, ms);
    routes_->expire(ms);
  }
  EXPECT_EQ(routes_->find(42), slot);
  EXPECT_EQ(routes_->costs(slot).cost, 0.5F);
}

// Both begin at the same place; the first is not seen again.
TEST_F(RoutesTest, ARouteKeepsItsSlotWhenOneBeforeItIsFreed) {
  const std::uint16_t first = routes_->find(5);
  const std::uint16_t second = routes_->find(5 + Routes::kSlots);
  ASSERT_NE(first, second);
  for (int s = 1; s <= 400; ++s) {
    routes_->count(second, s * 1'000);
    routes_->expire(s * 1'000);
  }
  ASSERT_FALSE(routes_->is_known(first));
  EXPECT_EQ(routes_->find(5 + Routes::kSlots), second);
}

TEST_F(RoutesTest, APathCountsAsItsFamilyUntilThatWasSeenAFewTimes) {
  const std::uint16_t family = find("/api/list");
  EXPECT_EQ(find("/api/report"), family);
  EXPECT_EQ(name(family), "GET /api/");
  count(family, Routes::kFewSamples - 1);
  EXPECT_EQ(find("/api/list"), family);
  count(family, 1);
  const std::uint16_t list = find("/api/list");
  EXPECT_NE(list, family);
  EXPECT_NE(find("/api/report"), list);
  EXPECT_EQ(routes_->family(list), family);
  EXPECT_EQ(name(list), "GET /api/list");
}

TEST_F(RoutesTest, ANewRouteStaysAsLongAsItsFamilyDoes) {
  const std::uint16_t family = make_family("/poll/1", 15);
  routes_->set_stay(family, Stay::kIdle);
  routes_->set_stayed(family, 15);
  routes_->set_longs(family, 3);
  const std::uint16_t own = find("/poll/news");
  ASSERT_NE(own, family);
  EXPECT_EQ(routes_->stay(own), Stay::kIdle);
  EXPECT_EQ(routes_->stayed(own), 15);
  EXPECT_EQ(routes_->longs(own), 3U);
}

TEST_F(RoutesTest, AYoungRouteStartsFromItsFamilysCosts) {
  make_family("/api/list", 0.25F);
  const std::uint16_t list = find("/api/list");
  EXPECT_EQ(routes_->costs(list).cost, 0.25F);
  EXPECT_EQ(routes_->costs(list).slow, 0.25F);
}

TEST_F(RoutesTest, PathsThatDifferByAnIdAreOneRoute) {
  make_family("/user/1/orders");
  const std::uint16_t orders = find("/user/123/orders");
  EXPECT_EQ(find("/user/456/orders"), orders);
  EXPECT_EQ(name(orders), "GET /user/*/orders");
  EXPECT_NE(find("/user/456/cart"), orders);
}

TEST_F(RoutesTest, AHundredThousandMadeUpPathsTakeNothingFromWhatWasLearned) {
  const std::uint16_t family = make_family("/api/list", 0.02F);
  const std::uint16_t list = make_known("/api/list", 0.01F);
  const std::uint16_t report = make_known("/api/report", 0.1F);
  // Much is made up, now and again, for two minutes.
  for (std::int64_t ms = 1'000; ms <= 120'000; ms += 1'000) {
    make_up(ms == 1'000 ? 100'000 : 1'000);
    for (const std::uint16_t slot : {family, list, report}) count(slot, 1, ms);
    routes_->expire(ms);
  }
  EXPECT_EQ(find("/api/list"), list);
  EXPECT_EQ(find("/api/report"), report);
  EXPECT_EQ(routes_->costs(list).cost, 0.01F);
  EXPECT_EQ(routes_->costs(report).cost, 0.1F);
}

TEST_F(RoutesTest, WhoFindsNoRoomCountsAsItsFamily) {
  const std::uint16_t family = make_family("/api/list");
  ASSERT_GT(make_up(100'000), std::size_t{100});
  EXPECT_EQ(find("/api/and-one-more"), family);
}

// A slot in four is theirs: made-up paths of one family leave room for the next.
TEST_F(RoutesTest, PathsOfOneFamilyLeaveRoomForOtherFamilies) {
  make_family("/api/list");
  make_up(100'000);
  EXPECT_LE(in_use(), Routes::kSlots - Routes::kSlots / Routes::kFamilyEvery + 1);
  const std::uint16_t other = find("/shop/cart");
  ASSERT_NE(other, Routes::kOther);
  EXPECT_EQ(name(other), "GET /shop/");
}

TEST_F(RoutesTest, RoutesThatCostWhatTheirFamilyCostsGiveTheirSlotsBackWhenRoomIsNeeded) {
  make_family("/api/list", 0.01F);
  for (std::size_t i = 0; i < 20; ++i) make_known("/api/" + made_up(i), 0.0105F);
  const std::uint16_t dear = make_known("/api/report", 0.1F);
  const std::size_t before = in_use();
  routes_->expire(1'000);
  EXPECT_EQ(in_use(), before) << "there is room";

  make_up(100'000);
  routes_->expire(1'001);
  for (std::uint16_t slot = 0; slot < Routes::kSlots; ++slot) {
    EXPECT_NE(routes_->costs(slot).cost, 0.0105F) << name(slot);
  }
  EXPECT_EQ(find("/api/report"), dear);
}

// With a spread of 4 a mean of 100 answers is off by 4/√100 = 40 %, one of 64 by 50 %: a route that
// costs twice as much may still be none.
TEST_F(RoutesTest, WhatMayBeNoiseIsNoDifference) {
  make_family("/api/list", 0.01F);
  const std::uint16_t noisy = find("/api/noisy");
  count(noisy, 100);
  routes_->set_costs(noisy, {.cost = 0.02F, .slow = 0.02F});
  routes_->set_spread(noisy, 16);
  const std::uint16_t steady = find("/api/steady");
  count(steady, 100);
  routes_->set_costs(steady, {.cost = 0.02F, .slow = 0.02F});
  routes_->set_spread(steady, 0.25F);
  make_up(100'000);
  routes_->expire(1'000);
  EXPECT_EQ(routes_->costs(noisy).cost, 0) << "the slot is free";
  EXPECT_EQ(find("/api/steady"), steady);
}

TEST_F(RoutesTest, ARouteThatIsSeldomSeenStaysWhileThereIsRoom) {
  make_family("/api/list");
  const std::uint16_t seldom = find("/api/seldom");
  for (std::int64_t ms = 1'000; ms <= 250'000; ms += 1'000) {
    count(routes_->family(seldom), 1, ms);
    routes_->expire(ms);
  }
  EXPECT_EQ(find("/api/seldom"), seldom);
}

TEST_F(RoutesTest, NamesAreCutAndMadePrintableWhateverMemoryHolds) {
  const std::string hostile = "<b>\n\x01\xff" + std::string(200, 'q');
  const std::uint16_t slot = routes_->find(77, {.own = hostile, .family = {}});
  const std::string shown = name(slot);
  EXPECT_EQ(shown.size(), Route::kMostText);
  EXPECT_EQ(shown.substr(0, 7), "<b>???q");
}

TEST_F(RoutesTest, ANewcomerInAFreedSlotHasNothingOfTheOldOne) {
  const std::uint16_t slot = routes_->find(42, {.own = "old and long", .family = {}});
  routes_->set_costs(slot, {.cost = 1, .slow = 1});
  routes_->set_spread(slot, 3);
  count(slot, 10, 1'000);
  routes_->expire(400'000);
  const std::uint16_t next = routes_->find(42, {.own = "new", .family = {}});
  EXPECT_EQ(name(next), "new");
  EXPECT_EQ(routes_->costs(next).cost, 0);
  EXPECT_EQ(routes_->spread(next), 0);
  EXPECT_EQ(routes_->samples(next), 0U);
}

TEST_F(RoutesTest, FamiliesAndNamesAreCopied) {
  make_family("/api/list", 0.25F);
  const std::uint16_t list = find("/api/list");
  routes_->set_spread(list, 2);
  Routes copy;
  copy.copy_from(*routes_);
  routes_->clear();
  routes_->copy_from(copy);
  EXPECT_EQ(find("/api/list"), list);
  EXPECT_EQ(name(list), "GET /api/list");
  EXPECT_EQ(name(routes_->family(list)), "GET /api/");
  EXPECT_EQ(routes_->spread(list), 2);
}

}  // namespace
}  // namespace leastwise
