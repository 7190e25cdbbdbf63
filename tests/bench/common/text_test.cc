#include "bench/common/text.h"

#include <gtest/gtest.h>

#include "bench/common/query.h"

namespace leastwise::bench {
namespace {

TEST(Text, SplitsAtEverySeparator) {
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_TRUE(split("", ',').empty());
}

TEST(Text, TakesOnlyWholeNumbersWithinTheirBounds) {
  EXPECT_EQ(number_in<int>("7", 0, 9), 7);
  EXPECT_EQ(number_in<int>("10", 0, 9), std::nullopt);
  EXPECT_EQ(number_in<int>("7x", 0, 9), std::nullopt);
  EXPECT_EQ(number_in<int>("", 0, 9), std::nullopt);
  EXPECT_EQ(number_in<double>("nan", 0, 9), std::nullopt);
  EXPECT_EQ(number_in<double>("inf", 0, 9), std::nullopt);
  EXPECT_EQ(number_in<double>("2.5e-1", 0, 9), 0.25);
}

TEST(Query, IsDecodedPairByPair) {
  EXPECT_EQ(query_of("/a?do=sleep%3A5+close&counters&x=%4"),
            (Query{{"do", "sleep:5+close"}, {"counters", ""}, {"x", "%4"}}));
  EXPECT_TRUE(query_of("/a").empty());
  EXPECT_EQ(path_of("/a?b=/c"), "/a");
}

}  // namespace
}  // namespace leastwise::bench
