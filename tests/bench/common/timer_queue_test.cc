#include "bench/common/timer_queue.h"

#include <gtest/gtest.h>

namespace leastwise::bench {
namespace {

constexpr Time at(double ms) { return Time(from_ms(ms)); }

TEST(TimerQueue, GivesWhatIsDueInOrderOfTimeThenOfArming) {
  TimerQueue<int> timers;
  timers.arm(at(2), 20);
  timers.arm(at(1), 10);
  timers.arm(at(1), 11);
  EXPECT_EQ(timers.next_due(), at(1));
  EXPECT_EQ(timers.take(at(2)), 10);
  EXPECT_EQ(timers.take(at(2)), 11);
  EXPECT_EQ(timers.take(at(2)), 20);
  EXPECT_EQ(timers.take(at(2)), std::nullopt);
}

TEST(TimerQueue, KeepsWhatIsNotDueYet) {
  TimerQueue<int> timers;
  EXPECT_EQ(timers.next_due(), std::nullopt);
  timers.arm(at(2), 1);
  EXPECT_EQ(timers.take(at(1.9)), std::nullopt);
  EXPECT_EQ(timers.take(at(2)), 1);
}

}  // namespace
}  // namespace leastwise::bench
