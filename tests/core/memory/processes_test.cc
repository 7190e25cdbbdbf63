#include <gtest/gtest.h>

#include <set>

#include "core/pool_fixture.h"
#include "memory/state.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class ProcessesTest : public PoolFixture {
 protected:
  Picker picker_of(Incarnation who, Memory& memory) {
    Picker picker;
    memory = Memory(Picker::bytes_for(members_.size()));
    const ProcessSlot slot = pool_.join(who, everybody_lives);
    EXPECT_TRUE(Picker::create(pool_, slot, members_, memory.span(), who.pid, picker).ok());
    return picker;
  }
  Ticket pick_by(Picker& picker) {
    Tried tried;
    return picker.pick(config_, {}, tried, now_);
  }
};

TEST_F(ProcessesTest, EachProcessHasARowOfItsOwn) {
  make({1});
  std::set<ProcessSlot> slots;
  for (std::uint32_t pid = 1; pid <= kMaxProcesses; ++pid) {
    slots.insert(pool_.join({.pid = pid}, everybody_lives));
  }
  EXPECT_EQ(slots.size(), kMaxProcesses);
  EXPECT_EQ(pool_.join({.pid = 5}, everybody_lives), pool_.join({.pid = 5}, everybody_lives));
  EXPECT_EQ(pool_.view().processes, kMaxProcesses);
}

TEST_F(ProcessesTest, WhatADeadProcessLeftIsGivenBackAndOthersKeepTheirs) {
  make({1, 1});
  Memory memory(64);
  Picker other = picker_of({.pid = 2}, memory);
  std::vector<Ticket> mine;
  for (int i = 0; i < 6; ++i) mine.push_back(pick());
  for (int i = 0; i < 4; ++i) pick_by(other);
  ASSERT_EQ(view(0).in_flight + view(1).in_flight, 10U);

  const auto only_first = [](Incarnation who) { return who.pid == 1; };
  EXPECT_EQ(pool_.heal({.pid = 1}, only_first), 4U);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 6U);
  EXPECT_EQ(pool_.heal({.pid = 1}, only_first), 0U);
  for (const Ticket& t : mine) finish(t);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
  EXPECT_EQ(view(0).work_in_flight + view(1).work_in_flight, 0);
  EXPECT_EQ(view(0).healed + view(1).healed, 4U);
}

TEST_F(ProcessesTest, JoiningHealsAndTakesTheRowOfTheDead) {
  make({1});
  Memory memory(64);
  Picker other = picker_of({.pid = 2}, memory);
  pick_by(other);
  const ProcessSlot slot = pool_.join({.pid = 3}, [](Incarnation who) { return who.pid != 2; });
  EXPECT_EQ(slot, ProcessSlot{1});
  EXPECT_EQ(view(0).in_flight, 0U);
}

TEST_F(ProcessesTest, AHealerThatDiesIsReplaced) {
  make({1});
  Memory memory(64);
  Picker other = picker_of({.pid = 2}, memory);
  pick_by(other);
  // Process 3 looks whether 2 lives, and while it does so 4 heals: only one gives back.
  EXPECT_EQ(pool_.heal({.pid = 3}, [](Incarnation who) { return who.pid != 2; }), 1U);
  EXPECT_EQ(pool_.heal({.pid = 4}, [](Incarnation who) { return who.pid != 2; }), 0U);
  EXPECT_EQ(view(0).in_flight, 0U);
}

// An agent that is pid 1 in a container and was killed: SIGKILL, and its state is on a volume.
TEST_F(ProcessesTest, WhatAnEarlierLifeOfThePidLeftIsGivenBack) {
  make({1, 1});
  Memory memory(64);
  Picker picker = picker_of({.pid = 2, .born = 1}, memory);
  for (int i = 0; i < 6; ++i) pick_by(picker);
  picker = picker_of({.pid = 2, .born = 2}, memory);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
  EXPECT_EQ(view(0).healed + view(1).healed, 6U);
  EXPECT_EQ(pool_.view().processes, 2U);
}

TEST_F(ProcessesTest, WhoJoinsAgainKeepsItsRowAndWhatItHasInFlight) {
  make({1, 1});
  const Incarnation self{.pid = 2, .born = 1};
  Memory memory(64);
  Picker picker = picker_of(self, memory);
  const Ticket t = pick_by(picker);
  picker = picker_of(self, memory);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 1U);
  picker.finish(config_, t, {}, now_);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
}

TEST_F(ProcessesTest, AnotherProcessWithThePidOfADeadOneDoesNotKeepItsCounts) {
  make({1, 1});
  Memory memory(64);
  Picker picker = picker_of({.pid = 2, .born = 1}, memory);
  pick_by(picker);
  const auto born_later = [](Incarnation who) { return who.pid != 2 || who.born == 5; };
  EXPECT_EQ(pool_.heal({.pid = 1}, born_later), 1U);
}

TEST_F(ProcessesTest, WhoClaimsARowInheritsNothing) {
  make({1, 1});
  Memory memory(64);
  Picker left = picker_of({.pid = 2}, memory);
  for (int i = 0; i < 3; ++i) pick_by(left);
  pool_.leave(ProcessSlot{1}, {.pid = 2});  // although three are in flight
  Picker next = picker_of({.pid = 3}, memory);
  for (int i = 0; i < 10; ++i) tick();
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
  const Ticket t = pick_by(next);
  EXPECT_EQ(pool_.heal({.pid = 1}, [](Incarnation who) { return who.pid == 1; }), 1U);
  EXPECT_EQ(view(t.member).in_flight, 0U);
}

class CrowdTest : public ProcessesTest {
 protected:
  void SetUp() override {
    make({1});
    for (std::uint32_t pid = 2; pid <= kMaxProcesses; ++pid) {
      pool_.join({.pid = pid}, everybody_lives);
    }
    ASSERT_EQ(pool_.join({.pid = kExtra}, everybody_lives), kNoSlot);
  }

  static constexpr std::uint32_t kExtra = 999;
};

TEST_F(CrowdTest, WhoFindsNoRowPicksAndIsNotCounted) {
  Memory memory(64);
  Picker extra = picker_of({.pid = kExtra}, memory);
  const Ticket t = pick_by(extra);
  ASSERT_TRUE(t);
  EXPECT_EQ(view(0).in_flight, 0U);
  const Ticket counted = pick();
  extra.finish(config_, t, {}, now_);
  EXPECT_EQ(view(0).in_flight, 1U);
  EXPECT_EQ(view(0).results[0], 1U);
  for (int i = 0; i < 100; ++i) tick();
  EXPECT_EQ(view(0).in_flight, 1U);
  finish(counted);
  EXPECT_EQ(view(0).in_flight, 0U);
}

TEST_F(CrowdTest, WhoFindsNoRowKeepsToMaxConns) {
  settle(0, {.max_conns = 2});
  Memory memory(64);
  Picker extra = picker_of({.pid = kExtra}, memory);
  pick();
  const Ticket second = pick();
  EXPECT_FALSE(pick_by(extra));
  finish(second);
  EXPECT_TRUE(pick_by(extra));
}

TEST_F(CrowdTest, WhatTheOwnerOfTheLastRowLeftIsItsOwnAlone) {
  Memory last_memory(64);
  Memory extra_memory(64);
  Picker last = picker_of({.pid = kMaxProcesses}, last_memory);
  Picker extra = picker_of({.pid = kExtra}, extra_memory);
  for (int i = 0; i < 3; ++i) pick_by(last);
  for (int i = 0; i < 5; ++i) pick_by(extra);
  for (int i = 0; i < 7; ++i) pick();
  EXPECT_EQ(pool_.heal({.pid = 1}, [](Incarnation who) { return who.pid != kMaxProcesses; }), 3U);
  EXPECT_EQ(view(0).in_flight, 7U);
}

TEST_F(CrowdTest, ARowThatGetsFreeIsFoundLater) {
  pool_.leave(ProcessSlot{7}, {.pid = 8});
  EXPECT_EQ(pool_.join({.pid = kExtra}, everybody_lives), ProcessSlot{7});
}

// The others go on within a second, not after the lease.
TEST_F(ProcessesTest, WhoDiesInATickIsReplacedWhenSomebodyHeals) {
  make({1});
  const ProcessSlot slot = pool_.join({.pid = 2}, everybody_lives);
  auto* header = reinterpret_cast<state::Header*>(memory_.span().data());
  header->tick_entry = state::entry::of(milliseconds(now_), slot);
  EXPECT_FALSE(tick());
  pool_.heal({.pid = 1}, [](Incarnation who) { return who.pid != 2; });
  EXPECT_TRUE(tick());
}

TEST_F(ProcessesTest, ACountThatStaysWrongIsMendedByTheAudit) {
  make({1, 1});
  Memory memory(64);
  Picker other = picker_of({.pid = 2}, memory);
  for (int i = 0; i < 3; ++i) pick_by(other);
  // A process that leaves with requests in flight: its row is nobody's, and says nothing any more.
  pool_.leave(ProcessSlot{1}, {.pid = 99});
  EXPECT_EQ(pool_.view().processes, 2U);
  pool_.leave(ProcessSlot{1}, {.pid = 2});
  EXPECT_EQ(pool_.heal({.pid = 1}, [](Incarnation who) { return who.pid == 1; }), 0U);
  const Ticket t = pick();
  for (int i = 0; i < 40; ++i) tick();
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 1U);
  finish(t);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
}

}  // namespace
}  // namespace leastwise
