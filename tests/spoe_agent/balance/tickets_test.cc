#include "balance/tickets.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace leastwise::agent {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};

OpenTicket ticket(std::uint64_t id, float delay = 0) {
  OpenTicket open;
  open.id = {id, ~id};
  open.ticket.id = EndpointId{7};
  open.ticket.delay = delay;
  return open;
}

RequestId id_of(std::uint64_t id) { return {id, ~id}; }

std::vector<std::uint64_t> expired(Tickets& tickets, TimePoint now, bool goes_on = false) {
  std::vector<std::uint64_t> ids;
  tickets.expire(
      now, [&](const OpenTicket& t) { ids.push_back(t.id.low); },
      [&](const OpenTicket&) { return goes_on; });
  return ids;
}

TEST(Tickets, ALineGivesItsPickBackOnce) {
  Tickets tickets(8);
  EXPECT_EQ(tickets.open(ticket(1), kStart), Tickets::Opened::kYes);
  EXPECT_EQ(tickets.open_count(), 1U);
  OpenTicket out;
  EXPECT_EQ(tickets.close(id_of(1), kStart, out), Tickets::Closed::kOpen);
  EXPECT_EQ(out.id, id_of(1));
  EXPECT_EQ(tickets.open_count(), 0U);
  EXPECT_EQ(tickets.close(id_of(1), kStart, out), Tickets::Closed::kUnknown);
}

TEST(Tickets, PatienceIsAHundredTimesThePredictionWithinBounds) {
  EXPECT_EQ(patience(ticket(1, 0).ticket), 200ms);
  EXPECT_EQ(patience(ticket(1, 0.001F).ticket), 200ms);
  EXPECT_EQ(patience(ticket(1, 0.03125F).ticket), 3125ms);
  EXPECT_EQ(patience(ticket(1, 60).ticket), 8s);
  EXPECT_EQ(patience(ticket(1, std::numeric_limits<float>::quiet_NaN()).ticket), 200ms);
  EXPECT_EQ(patience(ticket(1, -1).ticket), 200ms);
}

TEST(Tickets, ExpireWhenTheirTimeIsUpAndNotBefore) {
  Tickets tickets(8);
  tickets.open(ticket(1), kStart);         // 200 ms
  tickets.open(ticket(2, 0.01F), kStart);  // 1 s
  EXPECT_TRUE(expired(tickets, kStart + 199ms).empty());
  // A slot of the wheel is 50 ms, and is over 50 ms later.
  EXPECT_EQ(expired(tickets, kStart + 300ms), std::vector<std::uint64_t>{1});
  EXPECT_TRUE(expired(tickets, kStart + 900ms).empty());
  EXPECT_EQ(expired(tickets, kStart + 1100ms), std::vector<std::uint64_t>{2});
  EXPECT_EQ(tickets.open_count(), 0U);
}

TEST(Tickets, WhatIsKnownToGoOnIsAskedAboutAgainAndStays) {
  Tickets tickets(8);
  OpenTicket slow = ticket(1);
  slow.ticket.start = kStart;
  tickets.open(slow, kStart);
  for (Duration t = 1s; t < 600s; t += 1s) {
    ASSERT_TRUE(expired(tickets, kStart + t, true).empty());
  }
  EXPECT_EQ(expired(tickets, kStart + 601s), std::vector<std::uint64_t>{1});
}

// A long poll: HAProxy counts it, so the pool has to know that nobody waits for it.
TEST(Tickets, WhoKeepsItsPlaceStaysOpenForAnHourAtMost) {
  Tickets tickets(8);
  OpenTicket poll = ticket(1);
  poll.ticket.is_idle = true;
  poll.ticket.start = kStart;
  tickets.open(poll, kStart);
  for (Duration t = 1s; t < 3599s; t += 1s) ASSERT_TRUE(expired(tickets, kStart + t).empty());
  EXPECT_EQ(tickets.open_count(), 1U);
  expired(tickets, kStart + 3601s);
  EXPECT_EQ(tickets.open_count(), 0U);
}

TEST(Tickets, NotWhenTheyTakeTheRoomOfOthers) {
  Tickets tickets(4);
  for (std::uint64_t id = 1; id <= 4; ++id) {
    OpenTicket poll = ticket(id);
    poll.ticket.is_idle = true;
    poll.ticket.start = kStart;
    tickets.open(poll, kStart);
  }
  EXPECT_EQ(expired(tickets, kStart + 1s).size(), 2U);
  EXPECT_EQ(tickets.open_count(), 2U);
}

TEST(Tickets, ALineAfterExpiryStillFindsItsPick) {
  Tickets tickets(8);
  tickets.open(ticket(1), kStart);
  EXPECT_EQ(expired(tickets, kStart + 1s).size(), 1U);
  OpenTicket out;
  EXPECT_EQ(tickets.close(id_of(1), kStart + 30s, out), Tickets::Closed::kLate);
  EXPECT_EQ(out.id, id_of(1));
  EXPECT_EQ(tickets.size(), 0U);
}

TEST(Tickets, WhatIsLateIsForgottenInTheEnd) {
  Tickets tickets(8);
  tickets.open(ticket(1), kStart);
  expired(tickets, kStart + 1s);
  expired(tickets, kStart + 1s + Tickets::kLate);
  EXPECT_EQ(tickets.size(), 0U);
}

TEST(Tickets, ALineThatCameFirstRefusesThePick) {
  Tickets tickets(8);
  OpenTicket out;
  EXPECT_EQ(tickets.close(id_of(1), kStart, out), Tickets::Closed::kUnknown);
  EXPECT_EQ(tickets.open(ticket(1), kStart + 30ms), Tickets::Opened::kLogCameFirst);
  EXPECT_EQ(tickets.size(), 0U);
  // Only that one: the id may come again.
  EXPECT_EQ(tickets.open(ticket(1), kStart + 60ms), Tickets::Opened::kYes);
}

TEST(Tickets, ATombstoneIsForgottenAfterFiveSeconds) {
  Tickets tickets(8);
  OpenTicket out;
  tickets.close(id_of(1), kStart, out);
  expired(tickets, kStart + 4999ms);
  EXPECT_EQ(tickets.size(), 1U);
  expired(tickets, kStart + 5s);
  EXPECT_EQ(tickets.size(), 0U);
  EXPECT_EQ(tickets.open(ticket(1), kStart + 5s), Tickets::Opened::kYes);
}

TEST(Tickets, TheSameLineTwiceLivesFiveSecondsFromTheSecond) {
  Tickets tickets(8);
  OpenTicket out;
  tickets.close(id_of(1), kStart, out);
  tickets.close(id_of(1), kStart + 3s, out);
  expired(tickets, kStart + 6s);
  EXPECT_EQ(tickets.size(), 1U);
}

TEST(Tickets, AnIdThatIsOpenIsNotOpenedAgain) {
  Tickets tickets(8);
  tickets.open(ticket(1), kStart);
  EXPECT_EQ(tickets.open(ticket(1), kStart), Tickets::Opened::kDuplicate);
  EXPECT_EQ(tickets.open_count(), 1U);
}

TEST(Tickets, AnIdThatIsLateMayBeOpenedAgain) {
  Tickets tickets(8);
  tickets.open(ticket(1), kStart);
  expired(tickets, kStart + 1s);
  EXPECT_EQ(tickets.open(ticket(1), kStart + 1s), Tickets::Opened::kYes);
  EXPECT_EQ(tickets.size(), 1U);
}

TEST(Tickets, WhenFullOpenOnesStayAndNewOnesAreRefused) {
  Tickets tickets(3);
  for (std::uint64_t id = 1; id <= 3; ++id) tickets.open(ticket(id), kStart);
  EXPECT_EQ(tickets.open(ticket(4), kStart), Tickets::Opened::kFull);
  OpenTicket out;
  EXPECT_EQ(tickets.close(id_of(4), kStart, out), Tickets::Closed::kUnknown);
  for (std::uint64_t id = 1; id <= 3; ++id) {
    EXPECT_EQ(tickets.close(id_of(id), kStart, out), Tickets::Closed::kOpen) << id;
  }
}

TEST(Tickets, WhenFullTombstonesAndLateOnesMakeRoom) {
  Tickets tickets(3);
  OpenTicket out;
  tickets.close(id_of(1), kStart, out);
  tickets.close(id_of(2), kStart, out);
  tickets.open(ticket(3), kStart);
  EXPECT_EQ(tickets.open(ticket(4), kStart), Tickets::Opened::kYes);
  EXPECT_EQ(tickets.open(ticket(5), kStart), Tickets::Opened::kYes);
  EXPECT_EQ(tickets.open(ticket(6), kStart), Tickets::Opened::kFull);
  EXPECT_EQ(tickets.size(), 3U);
}

TEST(Tickets, ALongPauseExpiresAllAtOnce) {
  Tickets tickets(100);
  for (std::uint64_t id = 1; id <= 100; ++id) {
    tickets.open(ticket(id, static_cast<float>(id) / 1000), kStart);
  }
  EXPECT_EQ(expired(tickets, kStart + 24h).size(), 100U);
}

TEST(Tickets, EveryPickEndsExactlyOnceInARandomCourse) {
  Tickets tickets(64);
  Rng rng(1);
  TimePoint now = kStart;
  std::uint64_t opened = 0, ended = 0, next = 1;
  for (int i = 0; i < 200'000; ++i) {
    now += Duration(rng.below(3000));
    const std::uint32_t dice = rng.below(10);
    OpenTicket out;
    if (dice < 5) {
      const float delay = static_cast<float>(rng.below(80)) / 1000;
      opened += tickets.open(ticket(next++, delay), now) == Tickets::Opened::kYes;
    } else if (dice < 9) {
      const std::uint64_t id = next - 5 + rng.below(8);
      ended += tickets.close(id_of(id), now, out) == Tickets::Closed::kOpen;
    } else {
      ended += expired(tickets, now).size();
    }
    ASSERT_EQ(tickets.open_count(), opened - ended);
    ASSERT_LE(tickets.size(), 64U);
  }
  ended += expired(tickets, now + 1h).size();
  EXPECT_EQ(opened, ended);
  EXPECT_GT(opened, 5'000U);
}

}  // namespace
}  // namespace leastwise::agent
