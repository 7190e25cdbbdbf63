#include "leastwise/text.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <string>

namespace leastwise {
namespace {

TEST(TextTest, WhatDoesNotFitIsCountedButNotWritten) {
  std::array<char, 6> buffer;
  buffer.fill('#');
  Text text({buffer.data(), 5});
  text << "abc" << std::uint64_t{1234};
  EXPECT_EQ(text.view(), "abc12");
  EXPECT_EQ(text.size(), 7U);
  EXPECT_FALSE(text.fits());
  EXPECT_EQ(buffer[5], '#');
}

TEST(TextTest, RenderingIntoNothingTellsTheSize) {
  Text text({});
  text << "hello " << -5 << ' ' << 0.25;
  EXPECT_EQ(text.size(), std::string_view("hello -5 0.25").size());
}

TEST(TextTest, NothingIsAppendedToo) {  // with -fsanitize=undefined, from no address
  std::array<char, 8> buffer;
  Text text(buffer);
  text << "a" << std::string_view() << "b";
  EXPECT_EQ(text.view(), "ab");
}

TEST(TextTest, NumbersThatJsonHasNoWordForAreZero) {
  std::array<char, 32> buffer;
  Text text(buffer);
  text << std::nan("") << ' ' << std::numeric_limits<double>::infinity();
  EXPECT_EQ(text.view(), "0 0");
}

TEST(TextTest, JsonEscapesWhatWouldEndTheStringOrThePage) {
  std::array<char, 64> buffer;
  Text text(buffer);
  text.json("a\"b\\c\n</script>\xc3\xa4");
  EXPECT_EQ(text.view(), "a\\\"b\\\\c\\u000a\\u003c/script>\xc3\xa4");
}

TEST(TextTest, LabelsEscapeWhatPrometheusAsksFor) {
  std::array<char, 64> buffer;
  Text text(buffer);
  text.label("a\"b\\c\nd<");
  EXPECT_EQ(text.view(), "a\\\"b\\\\c\\nd<");
}

// Servers that are added between two looks.
TEST(TextTest, AWholeTextIsRenderedAgainUntilItFits) {
  std::string out;
  const auto allocate = [&](std::size_t size) {
    out.resize(size);
    return std::span<char>(out);
  };
  const std::string row(200, 'x');
  int rows = 0;
  const Text text = render_whole(allocate, [&](Text& t) {
    if (rows < 3) ++rows;
    for (int i = 0; i < rows; ++i) t << row;
    t << "]";
  });
  EXPECT_TRUE(text.fits());
  EXPECT_EQ(text.view(), row + row + row + "]");
}

TEST(TextTest, AWholeTextDoesNotFitWithoutMemory) {
  const auto none = [](std::size_t) { return std::span<char>(); };
  EXPECT_FALSE(render_whole(none, [](Text& t) { t << "abc"; }).fits());
}

}  // namespace
}  // namespace leastwise
