#include "config/near_match.h"

#include <gtest/gtest.h>

#include <string>

namespace leastwise::agent {
namespace {

constexpr std::string_view kNames[] = {"listen", "status", "state", "policy"};

TEST(NearMatch, FindsWhatIsMeant) {
  EXPECT_EQ(near_match("lisen", kNames), "listen");    // one missing
  EXPECT_EQ(near_match("listten", kNames), "listen");  // one too many
  EXPECT_EQ(near_match("polici", kNames), "policy");   // one other
  EXPECT_EQ(near_match("lsiten", kNames), "listen");   // two swapped are two edits
}

TEST(NearMatch, TheNearerOfTwoWins) { EXPECT_EQ(near_match("stat", kNames), "state"); }

TEST(NearMatch, AnotherWordIsNone) {
  EXPECT_EQ(near_match("workers", kNames), "");
  EXPECT_EQ(near_match("", kNames), "");
  EXPECT_EQ(near_match("st", kNames), "");
  EXPECT_EQ(near_match(std::string(100'000, 'l'), kNames), "");
}

}  // namespace
}  // namespace leastwise::agent
