#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "leastwise/prompt.h"
#include "leastwise/rng.h"

namespace leastwise {
namespace {

constexpr std::uint64_t kSeed = 7;

std::string text_of(std::size_t bytes, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>('a' + rng.below(26));
  return text;
}

Prompt prompt_of(std::string_view text, std::string_view model = "m", std::string_view salt = "") {
  PromptDigester digester(kSeed);
  digester.model(model);
  digester.salt(salt);
  digester.add(text);
  return digester.finish();
}

std::size_t alike(const Prompt& a, const Prompt& b) {
  std::size_t n = 0;
  while (n < a.points && n < b.points && a.digest(n) == b.digest(n)) ++n;
  return n;
}

TEST(Prompt, PointsGrowByAQuarter) {
  EXPECT_EQ(PromptPoints::bytes(0), 256U);
  EXPECT_EQ(PromptPoints::bytes(1), 320U);
  EXPECT_EQ(PromptPoints::bytes(4), 625U);
  EXPECT_EQ(PromptPoints::bytes(23), 43368U);
  for (std::size_t k = 1; k < PromptPoints::kMost; ++k) {
    EXPECT_NEAR(PromptPoints::bytes(k) / static_cast<double>(PromptPoints::bytes(k - 1)), 1.25,
                0.005)
        << k;
  }
}

TEST(Prompt, OfAShortOneNothingIsDigested) {
  const Prompt p = prompt_of(text_of(255));
  EXPECT_EQ(p.points, 0);
  EXPECT_EQ(p.bytes, 255U);
  EXPECT_EQ(prompt_of(text_of(256)).points, 1);
  EXPECT_EQ(prompt_of("").bytes, 0U);
}

TEST(Prompt, HowItIsCutDoesNotMatter) {
  const std::string text = text_of(50000);
  const Prompt whole = prompt_of(text);
  for (const std::size_t piece : {1U, 7U, 255U, 256U, 4096U, 43368U}) {
    PromptDigester digester(kSeed);
    for (std::size_t at = 0; at < text.size(); at += piece) {
      digester.add(std::string_view(text).substr(at, piece));
    }
    digester.model("m");
    digester.salt("");
    const Prompt p = digester.finish();
    EXPECT_EQ(p.bytes, 50000U);
    EXPECT_EQ(p.points, 24);
    EXPECT_EQ(alike(whole, p), 24U) << piece;
  }
}

TEST(Prompt, TwoThatBeginAlikeShareTheirFirstDigests) {
  const std::string begin = text_of(5000);
  const Prompt a = prompt_of(begin + text_of(3000, 2)), b = prompt_of(begin + text_of(9000, 3));
  // 256 · 1.25^13 = 4656, and the next is 5820.
  EXPECT_EQ(alike(a, b), 14U);
  EXPECT_EQ(a.length(13), 4656U);
  EXPECT_EQ(alike(a, prompt_of(text_of(8000, 4))), 0U);
}

TEST(Prompt, OfALongOneTheLastPointsAreKept) {
  const std::string text = text_of(200000);
  const Prompt a = prompt_of(text), b = prompt_of(text.substr(0, 100000));
  EXPECT_EQ(a.points, 24);
  EXPECT_EQ(a.length(23), 165436U);  // 256 · 1.25^29
  EXPECT_EQ(b.points, 24);
  EXPECT_EQ(b.length(23), 84703U);  // 256 · 1.25^26
  ASSERT_EQ(a.first, b.first + 3);
  for (std::size_t i = 0; i < 21; ++i) EXPECT_EQ(a.digest(i), b.digest(i + 3)) << i;
}

TEST(Prompt, BeyondTheLastPointBytesAreCountedOnly) {
  const std::string text = text_of(800000);
  const Prompt p = prompt_of(text);
  EXPECT_EQ(p.bytes, 800000U);
  EXPECT_EQ(p.points, 24);
  EXPECT_EQ(std::size_t{p.first} + p.points, PromptPoints::kMost);
}

TEST(Prompt, ModelSaltAndSeedTellApart) {
  const std::string text = text_of(1000);
  const Prompt p = prompt_of(text);
  EXPECT_EQ(alike(p, prompt_of(text, "other")), 0U);
  EXPECT_EQ(alike(p, prompt_of(text, "m", "tenant")), 0U);
  EXPECT_EQ(alike(prompt_of(text, "a", "b"), prompt_of(text, "b", "a")), 0U);
  PromptDigester other(kSeed + 1);
  other.model("m");
  other.salt("");
  other.add(text);
  EXPECT_EQ(alike(p, other.finish()), 0U);
}

TEST(Prompt, ModelMayComeLast) {
  const std::string text = text_of(1000);
  PromptDigester digester(kSeed);
  digester.add(text);
  digester.salt("");
  digester.max_tokens(100);
  digester.model("m");
  EXPECT_EQ(alike(prompt_of(text), digester.finish()), 7U);
  EXPECT_EQ(digester.finish().max_tokens, 100U);
}

// As HAProxy does: a point beyond the body is the digest of the whole of it.
TEST(Prompt, DigestsThatWereToldCountWithinTheLength) {
  PromptDigester a(kSeed), b(kSeed);
  for (std::uint64_t k = 0; k < 24; ++k) {
    a.add_digest(k < 7 ? k : 99);
    b.add_digest(k);
  }
  a.length(1000);  // six points are below: 256 · 1.25^6 = 976
  b.length(2000);
  EXPECT_EQ(a.finish().points, 7);
  EXPECT_EQ(b.finish().points, 10);
  EXPECT_EQ(alike(a.finish(), b.finish()), 7U);
}

TEST(Prompt, MoreDigestsThanThereArePointsAreIgnored) {
  PromptDigester digester(kSeed);
  for (std::uint64_t k = 0; k < 1000; ++k) digester.add_digest(k);
  digester.length(UINT32_MAX);
  EXPECT_EQ(digester.finish().points, 24);
}

}  // namespace
}  // namespace leastwise
