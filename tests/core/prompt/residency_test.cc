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
    Residency::Lengths lengths{};
    residency_.find(prompt, kAll, lengths);
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
