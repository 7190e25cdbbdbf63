#include "bench/backends/schedule.h"

#include <gtest/gtest.h>

namespace leastwise::bench {
namespace {

constexpr Time at(double seconds) { return Time(from_seconds(seconds)); }

Schedule two_events(Time start) {
  return Schedule({{from_seconds(1), {0}, {}}, {from_seconds(3), {1}, {}}}, start);
}

TEST(Schedule, GivesEachEventOnceAndWhenItIsDue) {
  Schedule schedule = two_events(at(10));
  EXPECT_EQ(schedule.next_due(), at(11));
  EXPECT_EQ(schedule.take(at(10.9)), nullptr);
  ASSERT_NE(schedule.take(at(11)), nullptr);
  EXPECT_EQ(schedule.take(at(11)), nullptr);
  EXPECT_EQ(schedule.next_due(), at(13));
}

TEST(Schedule, ALateLoopGetsAllThatWasMissedInOrder) {
  Schedule schedule = two_events(at(0));
  for (const std::size_t server : {0U, 1U}) {
    const Event* event = schedule.take(at(9));
    ASSERT_NE(event, nullptr);
    EXPECT_EQ(event->servers, std::vector<std::size_t>{server});
  }
  EXPECT_EQ(schedule.take(at(9)), nullptr);
  EXPECT_EQ(schedule.next_due(), std::nullopt);
}

TEST(Schedule, ARestartBeginsAnew) {
  Schedule schedule = two_events(at(0));
  while (schedule.take(at(9)) != nullptr) {
  }
  schedule.restart(at(20));
  EXPECT_EQ(schedule.next_due(), at(21));
}

}  // namespace
}  // namespace leastwise::bench
