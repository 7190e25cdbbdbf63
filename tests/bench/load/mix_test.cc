#include "bench/load/mix.h"

#include <gtest/gtest.h>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

TEST(Mix, WeightsDivideTheUnitInterval) {
  const Mix mix = Mix::parse("/fast:80,/slow:15,/x?do=sleep:200:5");
  EXPECT_EQ(mix.paths()[2], "/x?do=sleep:200");
  EXPECT_EQ(mix.choose(0), 0U);
  EXPECT_EQ(mix.choose(0.7999), 0U);
  EXPECT_EQ(mix.choose(0.8001), 1U);
  EXPECT_EQ(mix.choose(0.9499), 1U);
  EXPECT_EQ(mix.choose(0.9501), 2U);
  EXPECT_EQ(mix.choose(1 - 0x1p-53), 2U);
}

TEST(Mix, OnePathIsAlwaysChosen) {
  const Mix mix = Mix::of_one("/");
  EXPECT_EQ(mix.choose(0), 0U);
  EXPECT_EQ(mix.choose(1 - 0x1p-53), 0U);
}

TEST(Mix, APartWithoutPathOrWeightIsRefused) {
  for (const char* text : {"", "/a", "a:1", "/a:0", "/a:-1", "/a:x", "/a:1,"}) {
    EXPECT_THROW(Mix::parse(text), UsageError) << text;
  }
}

}  // namespace
}  // namespace leastwise::bench
