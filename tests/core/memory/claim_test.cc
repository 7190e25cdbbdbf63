// Processes that are stopped, not dead, while they give an endpoint its place: at each write in
// turn.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "core/memory/write_trap.h"
#include "leastwise/pool.h"

namespace leastwise {
namespace {

constexpr std::string_view kName = "http/u/moved:80";
constexpr std::size_t kCapacity = 4;

class ClaimTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(memory_.is_good());
    ASSERT_TRUE(Pool::create(memory_.open(), kCapacity, others_).ok());
    ASSERT_TRUE(Pool::attach(memory_.trapped(), slow_).ok());
  }

  // Stops add() before each of its writes in turn; `meanwhile` is run on others_ until it goes on.
  // Calls `check` with the place that it got in the end.
  void stop_at_each_write(void (*meanwhile)(), const std::function<void(EndpointId)>& check) {
    meanwhile_ = meanwhile;
    const std::vector<std::byte> saved(memory_.open().begin(), memory_.open().end());
    was_stopped_ = true;
    for (stop_at_ = 0; was_stopped_ && !HasFatalFailure(); ++stop_at_) {
      SCOPED_TRACE("stopped at write " + std::to_string(stop_at_));
      std::memcpy(memory_.open().data(), saved.data(), saved.size());
      was_stopped_ = false;
      EndpointId id = kNoEndpoint;
      WriteTrap::run(memory_.trapped(), at_write, [&] { id = slow_.add(kName); });
      if (was_stopped_) check(id);
    }
  }
  // All found the same place, and the name is at no other.
  void expect_one_place(EndpointId id) {
    EXPECT_EQ(met_, id);
    EXPECT_EQ(others_.find(kName), id);
    int times = 0;
    others_.for_each([&](EndpointId at) { times += others_.view(at, {}, {}).name == kName; });
    EXPECT_EQ(times, 1);
  }
  static void at_write(int write) {
    if (write != stop_at_) return;
    was_stopped_ = true;
    meanwhile_();
  }

  TwiceMapped memory_{Pool::bytes_for(kCapacity)};
  Pool slow_;

  inline static int stop_at_ = 0;
  inline static bool was_stopped_ = false;
  inline static void (*meanwhile_)() = nullptr;
  inline static Pool others_;
  inline static EndpointId met_ = kNoEndpoint;
};

constexpr int kFewestWrites = 10;  // of one add()

TEST_F(ClaimTest, WhoIsStoppedAtAnyWriteAndAnotherAgreeOnOnePlace) {
  stop_at_each_write([] { met_ = others_.add(kName); },
                     [this](EndpointId id) {
                       expect_one_place(id);
                       EXPECT_EQ(others_.view().endpoints, 1U);
                     });
  EXPECT_GT(stop_at_, kFewestWrites);
}

TEST_F(ClaimTest, TheyAgreeOnAPlaceThatAnotherNameLeft) {
  for (const char* name : {"a", "b", "c", "d"}) others_.add(name);
  others_.retire(others_.find("b"));
  others_.retire(others_.find("c"));
  stop_at_each_write([] { met_ = others_.add(kName); },
                     [this](EndpointId id) { expect_one_place(id); });
  EXPECT_GT(stop_at_, kFewestWrites);
}

TEST_F(ClaimTest, TheyAgreeWhenTheOtherHasRetiredTheNameAndAddedItAgain) {
  stop_at_each_write(
      [] {
        others_.retire(others_.add(kName));
        met_ = others_.add(kName);
      },
      [this](EndpointId id) { expect_one_place(id); });
  EXPECT_GT(stop_at_, kFewestWrites);
}

TEST_F(ClaimTest, TheyAgreeOnTheOldPlaceOfANameThatComesBack) {
  const EndpointId before = others_.add(kName);
  others_.retire(before);
  stop_at_each_write([] { met_ = others_.add(kName); },
                     [&](EndpointId id) {
                       EXPECT_EQ(id, before);
                       expect_one_place(id);
                     });
  EXPECT_GE(stop_at_, 3);
}

TEST_F(ClaimTest, WhoIsStoppedHoldsUpNobody) {
  stop_at_each_write(
      [] {
        for (const char* name : {"a", "b", "c"}) EXPECT_NE(others_.add(name), kNoEndpoint);
      },
      [](EndpointId id) {
        EXPECT_NE(id, kNoEndpoint);
        EXPECT_EQ(others_.view().endpoints, kCapacity);
      });
}

}  // namespace
}  // namespace leastwise
