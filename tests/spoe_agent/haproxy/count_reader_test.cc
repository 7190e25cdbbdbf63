#include "haproxy/count_reader.h"

#include <gtest/gtest.h>

namespace leastwise::agent {
namespace {

// As HAProxy 2.6.12 wrote it, and cut off behind the columns that are read.
constexpr std::string_view kRecorded =
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,\n"
    "app,s1,0,0,3,7,,900,\n"
    "app,s2,2,5,4,4,4,800,\n"
    "\n"
    "No such proxy.\n"
    "\n"
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,\n"
    "db,d1,0,0,0,1,,2,\n"
    "\n";

TEST(CountReader, ReadsARecordedAnswer) {
  std::vector<ServerCounts> counts;
  ASSERT_TRUE(parse_counts(kRecorded, counts));
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_EQ(counts[1].backend, "app");
  EXPECT_EQ(counts[1].server, "s2");
  EXPECT_EQ(counts[1].queued, 2U);
  EXPECT_EQ(counts[1].in_flight, 4U);
  EXPECT_EQ(counts[2].backend, "db");
}

TEST(CountReader, WhatIsNoAnswerIsRefused) {
  std::vector<ServerCounts> counts;
  EXPECT_FALSE(parse_counts("Permission denied\n", counts));
  EXPECT_FALSE(parse_counts("# other,columns\n", counts));
  EXPECT_FALSE(parse_counts("app,s1,0,0,-1,\n", counts));
  EXPECT_FALSE(parse_counts("app,s1,0,0,99999999999,\n", counts));
  EXPECT_FALSE(parse_counts("app,s1", counts));
  EXPECT_TRUE(parse_counts("", counts));
}

}  // namespace
}  // namespace leastwise::agent
