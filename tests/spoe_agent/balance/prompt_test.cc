#include "balance/prompt.h"

#include <gtest/gtest.h>

namespace leastwise::agent {
namespace {

spop::PromptDigests said(std::uint32_t seen, std::size_t count) {
  spop::PromptDigests digests;
  digests.seen = digests.whole = seen;
  for (; digests.count < count; ++digests.count)
    digests.digests[digests.count] = 100 + digests.count;
  return digests;
}

TEST(PromptOfHaproxy, ABodyThatWasNotSeenIsNone) { EXPECT_FALSE(prompt_of(said(0, 5), 1)); }

// 256, 320, 400 and 500 bytes; the others are digests of all that there was.
TEST(PromptOfHaproxy, LengthsBeyondWhatHaproxyHadAreLeftOut) {
  const auto prompt = prompt_of(said(510, 28), 1);
  ASSERT_TRUE(prompt);
  EXPECT_EQ(prompt->points, 4);
  EXPECT_EQ(prompt->length(3), 500U);
  EXPECT_EQ(prompt->bytes, 510U);
}

TEST(PromptOfHaproxy, OfABodyThatIsCutItsWholeLengthCounts) {
  spop::PromptDigests cut = said(510, 28);
  cut.whole = 100'000;
  cut.max_tokens = 7;
  const auto prompt = prompt_of(cut, 1);
  EXPECT_EQ(prompt->points, 4);
  EXPECT_EQ(prompt->bytes, 100'000U);
  EXPECT_EQ(prompt->max_tokens, 7U);
}

TEST(PromptOfHaproxy, ModelSaltAndSecretAreKeptApart) {
  spop::PromptDigests a = said(510, 4), b = a, c = a;
  b.model = "m";
  c.salt = "m";
  const std::uint64_t plain = prompt_of(a, 1)->digest(0);
  EXPECT_EQ(plain, prompt_of(a, 1)->digest(0));
  EXPECT_NE(plain, 100U);
  EXPECT_NE(plain, prompt_of(a, 2)->digest(0));
  EXPECT_NE(plain, prompt_of(b, 1)->digest(0));
  EXPECT_NE(prompt_of(b, 1)->digest(0), prompt_of(c, 1)->digest(0));
}

}  // namespace
}  // namespace leastwise::agent
