#include "prompts/json_feed.h"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "core/prompts/listing.h"

namespace leastwise {
namespace {

// Every text of up to five of these behind the begin of a string: what is no JSON, half an escape,
// and each half of a surrogate pair among them.
constexpr std::array<std::string_view, 11> kParts = {
    "\"", "\\", "\\n", "\\\"", "u", "a", "\\u0041", "\\ud83d", "\\ude00", "\x01", ":"};

std::string text_of(std::size_t number, std::string_view begin) {
  std::string text(begin);
  for (; number != 0; number /= kParts.size() + 1) {
    const std::size_t part = number % (kParts.size() + 1);
    if (part != 0) text += kParts[part - 1];
  }
  return text;
}

TEST(JsonFeed, SaysWhatTheParserItselfWouldSay) {
  std::size_t all = 1;
  for (int i = 0; i < 5; ++i) all *= kParts.size() + 1;
  std::size_t good = 0;
  for (std::size_t number = 0; number < all; ++number) {
    for (const std::string_view begin : {"[\"", "{\""}) {
      const std::string text = text_of(number, begin);
      const std::string expected = listing_of_parser(text);
      good += expected.back() != '!';
      for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, text.size()}) {
        ASSERT_EQ(listing_of_feed(text, piece), expected) << text << " in pieces of " << piece;
      }
    }
  }
  EXPECT_GT(good, all / 20);
}

TEST(JsonFeed, LongStringsComeWhole) {
  std::string inner, read;
  for (int i = 0; i < 20'000; ++i) {
    inner += i % 7 == 0    ? "\\t"
             : i % 11 == 0 ? "\\u00e4"
             : i % 13 == 0 ? "\xc3\xa9"
             : i % 17 == 0 ? "\\u4F60"
             : i % 19 == 0 ? "\\uD83d\\uDe00"
                           : "x";
  }
  const std::string text = "{\"k\\n\":[\"" + inner + "\",\"b\"]}";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3000}, text.size()}) {
    EXPECT_EQ(listing_of_feed(text, piece), listing_of_parser(text)) << piece;
  }
}

// Each code point, alone and in pairs of which one half or both may be surrogates.
TEST(JsonFeed, EachEscapeIsTheCharacterThatTheParserReads) {
  constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
  const auto escape = [&](unsigned unit) {
    std::string text = "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) text += kDigits[unit >> shift & 15];
    return text;
  };
  for (unsigned unit = 0; unit < 0x10000; ++unit) {
    const unsigned other = 0xdc00 + (unit * 37 & 0x3ff);
    for (const std::string& inner : {escape(unit), escape(unit) + escape(other)}) {
      const std::string text = "[\"\\n" + inner + "b\"]";
      ASSERT_EQ(listing_of_feed(text, text.size()), listing_of_parser(text)) << text;
    }
  }
}

}  // namespace
}  // namespace leastwise
