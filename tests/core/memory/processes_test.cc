#include <gtest/gtest.h>

#include <set>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class ProcessesTest : public PoolFixture {
 protected:
  Picker picker_of(std::uint32_t pid, Memory& memory) {
    Picker picker;
    memory = Memory(Picker::bytes_for(members_.size()));
    const ProcessSlot slot = pool_.join(pid, everybody_lives);
    EXPECT_TRUE(Picker::create(pool_, slot, members_, memory.span(), pid, picker).ok());
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
    slots.insert(pool_.join(pid, everybody_lives));
  }
  EXPECT_EQ(slots.size(), kMaxProcesses);
  EXPECT_EQ(pool_.join(5, everybody_lives), pool_.join(5, everybody_lives));
  EXPECT_EQ(pool_.view().processes, kMaxProcesses);
}

TEST_F(ProcessesTest, WhatADeadProcessLeftIsGivenBackAndOthersKeepTheirs) {
  make({1, 1});
  Memory memory(64);
  Picker other = picker_of(2, memory);
  std::vector<Ticket> mine;
  for (int i = 0; i < 6; ++i) mine.push_back(pick());
  for (int i = 0; i < 4; ++i) pick_by(other);
  ASSERT_EQ(view(0).in_flight + view(1).in_flight, 10U);

  const auto only_first = [](std::uint32_t pid) { return pid == 1; };
  EXPECT_EQ(pool_.heal(1, only_first), 4U);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 6U);
  EXPECT_EQ(pool_.heal(1, only_first), 0U);
  for (const Ticket& t : mine) finish(t);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
  EXPECT_EQ(view(0).work_in_flight + view(1).work_in_flight, 0);
  EXPECT_EQ(view(0).healed + view(1).healed, 4U);
}

TEST_F(ProcessesTest, JoiningHealsAndTakesTheRowOfTheDead) {
  make({1});
  Memory memory(64);
  Picker other = picker_of(2, memory);
  pick_by(other);
  const ProcessSlot slot = pool_.join(3, [](std::uint32_t pid) { return pid != 2; });
  EXPECT_EQ(slot, ProcessSlot{1});
  EXPECT_EQ(view(0).in_flight, 0U);
}

TEST_F(ProcessesTest, AHealerThatDiesIsReplaced) {
  make({1});
  Memory memory(64);
  Picker other = picker_of(2, memory);
  pick_by(other);
  // Process 3 looks whether 2 lives, and while it does so 4 heals: only one gives back.
  EXPECT_EQ(pool_.heal(3, [](std::uint32_t pid) { return pid != 2; }), 1U);
  EXPECT_EQ(pool_.heal(4, [](std::uint32_t pid) { return pid != 2; }), 0U);
  EXPECT_EQ(view(0).in_flight, 0U);
}

TEST_F(ProcessesTest, MoreProcessesThanRowsShareTheLast) {
  make({1});
  for (std::uint32_t pid = 2; pid <= kMaxProcesses; ++pid) pool_.join(pid, everybody_lives);
  Memory memory(64);
  Picker extra = picker_of(999, memory);
  const Ticket t = pick_by(extra);
  EXPECT_EQ(view(0).in_flight, 1U);
  extra.finish(config_, t, {}, now_);
  EXPECT_EQ(view(0).in_flight, 0U);
}

TEST_F(ProcessesTest, ACountThatStaysWrongIsMendedByTheAudit) {
  make({1, 1});
  Memory memory(64);
  Picker other = picker_of(2, memory);
  for (int i = 0; i < 3; ++i) pick_by(other);
  // A process that leaves with requests in flight: its row is freed, then reused and
  // emptied by its next owner's death, so that only the ledger could tell.
  pool_.leave(ProcessSlot{1}, 99);
  EXPECT_EQ(pool_.view().processes, 2U);
  pool_.leave(ProcessSlot{1}, 2);
  pool_.join(7, everybody_lives);
  EXPECT_EQ(pool_.heal(1, [](std::uint32_t pid) { return pid == 1; }), 3U);
  const Ticket t = pick();
  for (int i = 0; i < 40; ++i) tick();
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 1U);
  finish(t);
  EXPECT_EQ(view(0).in_flight + view(1).in_flight, 0U);
}

}  // namespace
}  // namespace leastwise
