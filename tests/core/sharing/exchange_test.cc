// What one balancer tells and hears of a pool that it knows by its servers alone.
#include "sharing/exchange.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

namespace leastwise::sharing {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};
using Servers = std::vector<ServerReport>;

Servers told(Exchange& exchange, Servers now) {
  const auto report = decode(exchange.tell(std::move(now)));
  EXPECT_TRUE(report.has_value());
  return report ? report->servers : Servers();
}

TEST(ExchangeTest, NumbersItsReportsAndSaysWhichLifeItIs) {
  Exchange exchange(77);
  for (const std::uint64_t number : {1U, 2U, 3U}) {
    const auto report = decode(exchange.tell({{.server = 1, .requests = 1, .work = 0}}));
    EXPECT_EQ(report->life, 77U);
    EXPECT_EQ(report->number, number);
  }
}

TEST(ExchangeTest, TellsAveragesOfASecond) {
  Exchange exchange;
  EXPECT_EQ(told(exchange, {{1, 0, 0}}), (Servers{{1, 0, 0}}));
  Servers last;
  for (int i = 0; i < 10; ++i) last = told(exchange, {{1, 16, 4}});
  EXPECT_NEAR(last[0].requests, 16 * (1 - std::exp(-1)), 0.5);  // ten of ten periods
  EXPECT_NEAR(last[0].work, 4 * (1 - std::exp(-1)), 0.2);
  for (int i = 0; i < 100; ++i) last = told(exchange, {{1, 16, 4}});
  EXPECT_NEAR(last[0].requests, 16, 0.1);
}

TEST(ExchangeTest, AnAverageStaysWithItsServerWhateverItsPlace) {
  Exchange exchange;
  for (int i = 0; i < 50; ++i) exchange.tell({{1, 8, 0}, {2, 0, 0}, {3, 4, 0}});
  const Servers moved = told(exchange, {{3, 4, 0}, {4, 6, 0}, {1, 8, 0}});
  ASSERT_EQ(moved.size(), 3U);
  EXPECT_NEAR(moved[0].requests, 4, 0.1);
  EXPECT_EQ(moved[1].requests, 6);  // who has come begins with what there is
  EXPECT_NEAR(moved[2].requests, 8, 0.1);
}

TEST(ExchangeTest, OfTooManyServersTheRestIsNotTold) {
  Exchange exchange;
  EXPECT_EQ(told(exchange, Servers(kMostServers + 1)).size(), kMostServers);
}

TEST(ExchangeTest, WhatOthersHaveIsInTheOrderThatWasTold) {
  Exchange a(1);
  Exchange b(2);
  a.tell({{10, 4, 0}, {20, 4, 0}});
  EXPECT_TRUE(a.hear("b", b.tell({{20, 2, 1}, {30, 9, 9}, {10, 1, 0.5F}}), kStart));
  Servers others(7);
  EXPECT_EQ(a.others(kStart, others), 1U);
  EXPECT_EQ(others, (Servers{{10, 1, 0.5F}, {20, 2, 1}}));
}

TEST(ExchangeTest, WhoIsSilentIsForgotten) {
  Exchange a(1);
  Exchange b(2);
  a.tell({{10, 4, 0}});
  a.hear("b", b.tell({{10, 2, 1}}), kStart);
  Servers others;
  EXPECT_EQ(a.others(kStart + Pool::kHearsay, others), 0U);
  EXPECT_EQ(others, (Servers{{10, 0, 0}}));
}

TEST(ExchangeTest, RefusesWhatIsNoReport) {
  Exchange a(1);
  a.tell({{10, 4, 0}});
  EXPECT_FALSE(a.hear("b", "", kStart));
  EXPECT_FALSE(a.hear("b", "LWS1 and more", kStart));
  Servers others;
  EXPECT_EQ(a.others(kStart, others), 0U);
}

}  // namespace
}  // namespace leastwise::sharing
