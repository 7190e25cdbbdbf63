#include "words/answer_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace leastwise {
namespace {

class AnswerRingTest : public ::testing::Test {
 protected:
  std::vector<std::uint32_t> drain() {
    std::vector<std::uint32_t> seen;
    lost_ += ring_->drain([&](const Answer& a) { seen.push_back(a.endpoint); });
    return seen;
  }
  void push(std::uint32_t endpoint) { ring_->push({.endpoint = endpoint, .took = 1.5F}); }

  std::unique_ptr<AnswerRing> ring_ = std::make_unique<AnswerRing>();
  std::uint64_t lost_ = 0;
};

TEST_F(AnswerRingTest, EachAnswerComesOutOnceInOrder) {
  for (std::uint32_t i = 0; i < 100; ++i) push(i);
  const std::vector<std::uint32_t> seen = drain();
  ASSERT_EQ(seen.size(), 100U);
  for (std::uint32_t i = 0; i < 100; ++i) EXPECT_EQ(seen[i], i);
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(lost_, 0U);
}

TEST_F(AnswerRingTest, WhenTheReaderIsLateTheNewestAreLostAndCounted) {
  for (std::uint32_t i = 0; i < AnswerRing::kEntries + 10; ++i) push(i);
  const std::vector<std::uint32_t> seen = drain();
  EXPECT_EQ(seen.size(), AnswerRing::kEntries);
  EXPECT_EQ(seen.front(), 0U);
  EXPECT_EQ(seen.back(), AnswerRing::kEntries - 1);
  EXPECT_EQ(lost_, 10U);
}

TEST_F(AnswerRingTest, ADamagedEntryIsSkipped) {
  push(1);
  push(2);
  push(3);
  // A word in the middle of the second entry, as a writer that was overtaken leaves it.
  auto* words = reinterpret_cast<std::uint64_t*>(ring_.get());
  words[16 + 8 + 2] ^= 1;
  const std::vector<std::uint32_t> seen = drain();
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(lost_, 1U);
}

}  // namespace
}  // namespace leastwise
