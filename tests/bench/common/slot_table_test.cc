#include "bench/common/slot_table.h"

#include <gtest/gtest.h>

namespace leastwise::bench {
namespace {

TEST(SlotTable, AReleasedHandleFindsNothingThoughItsSlotLivesOn) {
  SlotTable<int> table;
  const Handle old = table.acquire(1);
  table.release(old);
  const Handle fresh = table.acquire(2);
  EXPECT_EQ(fresh.index, old.index);
  EXPECT_EQ(table.find(old), nullptr);
  EXPECT_NE(table.find(fresh), nullptr);
  EXPECT_EQ(table.at(fresh), 2);
}

TEST(SlotTable, ReleasingAStaleHandleLeavesTheNextOwnerAlone) {
  SlotTable<int> table;
  const Handle old = table.acquire(1);
  table.release(old);
  const Handle fresh = table.acquire(2);
  table.release(old);
  EXPECT_NE(table.find(fresh), nullptr);
  EXPECT_EQ(table.size(), 1U);
}

TEST(SlotTable, HandlesSurviveTheirPacking) {
  const Handle handle{7, 0xFFFFFFFFU};
  EXPECT_EQ(Handle::unpack(handle.packed()), handle);
}

TEST(SlotTable, GenerationZeroIsNeverGiven) {
  SlotTable<int> table;
  EXPECT_NE(table.acquire(1).generation, 0U);
  EXPECT_EQ(table.find({0, 0}), nullptr);
}

}  // namespace
}  // namespace leastwise::bench
