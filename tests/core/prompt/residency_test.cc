#include "prompt/residency.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "prompt/reading.h"

namespace leastwise {
namespace {

class ResidencyTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kAll = ~std::uint64_t{0};
  static constexpr std::uint32_t kMark = static_cast<std::uint32_t>(kUsualRoom) / Reading::kMarks;

  static Prompt prompt_of(char text, std::size_t bytes = 20'000) {
    PromptDigester digester(7);
    digester.add(std::string(bytes, text));
    return digester.finish();
  }
  void keep(const Prompt& prompt, unsigned bit) { residency_.keep(prompt, bit, stamp_of(now_)); }
  // It is sent as much as makes a mark, and a second goes by.
  void mark(unsigned bit) {
    now_ += std::chrono::seconds(1);
    fill(readings_[bit], kMark, marks_[bit], holders_.all[bit], now_);
  }
  std::uint32_t length(const Prompt& prompt, unsigned bit) const {
    return residency_.held(prompt, bit).bytes;
  }
  std::uint32_t likely(const Prompt& prompt, unsigned bit) const {
    Residency::Lengths lengths{};
    residency_.expect(prompt, kAll, lengths);
    return lengths[bit];
  }

  TimePoint now_{std::chrono::hours(1)};
  std::vector<ResidencySet> sets_{1024};
  Holders holders_;
  std::array<Reading, Holders::kMost> readings_;
  std::array<std::array<Cell<Stamp>, Reading::kMarks>, Holders::kMost> marks_;
  Residency residency_{sets_, holders_};
};

TEST_F(ResidencyTest, WhatWasSentIsHeldByThatServerAlone) {
  const Prompt prompt = prompt_of('a');
  keep(prompt, 63);
  EXPECT_GT(length(prompt, 63), 19'000U);
  EXPECT_EQ(length(prompt, 62), 0U);
  EXPECT_EQ(length(prompt_of('b'), 63), 0U);
}

// Server 0 is sent it all the time, server 1 only once: what server 1 was sent since has driven it
// out there.
TEST_F(ResidencyTest, ACopyIsNotKeptAliveByWhatAnotherServerIsSent) {
  const Prompt prompt = prompt_of('a');
  keep(prompt, 1);
  for (Mark i = 0; i < Holders::kKept; ++i) {
    mark(1);
    keep(prompt, 0);
    ASSERT_GT(length(prompt, 1), 19'000U) << i;
  }
  mark(1);
  EXPECT_EQ(length(prompt, 1), 0U);
  EXPECT_GT(length(prompt, 0), 19'000U);
}

// Of two that have it, who was sent it last is sure to; the other counts for less and less.
TEST_F(ResidencyTest, WhatIsOldMayBeGone) {
  const Prompt prompt = prompt_of('a');
  keep(prompt, 0);
  keep(prompt, 1);
  const std::uint32_t whole = length(prompt, 0);
  EXPECT_EQ(likely(prompt, 1), whole);
  for (std::uint32_t i = 1; i <= Holders::kKept; ++i) {
    mark(1);
    EXPECT_EQ(likely(prompt, 0), whole);
    EXPECT_NEAR(likely(prompt, 1), whole - whole * i / 40, 1) << i;
    EXPECT_EQ(length(prompt, 1), whole);
  }
  mark(1);
  EXPECT_EQ(likely(prompt, 1), 0U);
}

TEST_F(ResidencyTest, HowMuchIsKeptIsLearnedOfWhatWasSentLongAgo) {
  Reading& reading = readings_[0];
  const auto is_unchanged = [&] { return reading.room.get() == 0; };
  for (Mark age = 0; age < 5; ++age) learn_room(reading, true, age);
  learn_room(reading, false, 0);
  EXPECT_TRUE(is_unchanged());
  learn_room(reading, false, 1);
  EXPECT_NEAR(reading.room.get(), 0.9F * kUsualRoom, 1);
  for (int i = 0; i < 60; ++i) learn_room(reading, false, 8);
  const float small = reading.room.get();
  EXPECT_LT(small, 0.2F * kUsualRoom);
  for (int i = 0; i < 300; ++i) {  // two of three are there
    learn_room(reading, i % 3 != 0, 7);
    EXPECT_NEAR(reading.room.get() / small, 1, 0.05F) << i;
  }
  for (int i = 0; i < 10'000; ++i) learn_room(reading, true, 5);
  EXPECT_LE(reading.room.get(), 1e9F);
  for (int i = 0; i < 10'000; ++i) learn_room(reading, false, 5);
  EXPECT_GE(reading.room.get(), 65536);
}

// Marks are kept modulo 32.
TEST_F(ResidencyTest, HoweverLongItWasNotAskedForItDoesNotComeBack) {
  const Prompt prompt = prompt_of('a');
  keep(prompt, 1);
  for (int i = 0; i < 100; ++i) {
    mark(1);
    if (i < int{Holders::kKept}) continue;
    ASSERT_EQ(length(prompt, 1), 0U) << i;
  }
  keep(prompt, 0);
  EXPECT_EQ(length(prompt, 1), 0U);
}

TEST_F(ResidencyTest, EachOf64ServersHasItsOwnMark) {
  const Prompt prompt = prompt_of('a');
  for (unsigned bit = 0; bit < Holders::kMost; ++bit) {
    for (unsigned i = 0; i < bit; ++i) holders_.all[bit].mark.add(1);
    keep(prompt, bit);
  }
  for (unsigned bit = 0; bit < Holders::kMost; ++bit) {
    EXPECT_GT(length(prompt, bit), 19'000U) << bit;
    holders_.all[bit].mark.add(Holders::kKept + 1);
    EXPECT_EQ(length(prompt, bit), 0U) << bit;
  }
}

}  // namespace
}  // namespace leastwise
