#include "words/routes.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace leastwise {
namespace {

class RoutesTest : public ::testing::Test {
 protected:
  void SetUp() override { routes_->clear(); }
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

}  // namespace
}  // namespace leastwise
