#include "bench/load/options.h"

#include <gtest/gtest.h>

#include <vector>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

Options parse(std::vector<const char*> words) {
  words.insert(words.begin(), {"leastwise-load", "--port", "19100"});
  return parse_options(static_cast<int>(words.size()), words.data()).value();
}

TEST(Options, HaveTheirDocumentedDefaults) {
  const Options options = parse({});
  EXPECT_EQ(options.client.host, "127.0.0.1");
  EXPECT_EQ(options.client.port, 19100);
  EXPECT_EQ(options.client.timeout, from_seconds(10));
  EXPECT_TRUE(options.client.keeps_alive);
  EXPECT_EQ(options.plan.seed, 1U);
  EXPECT_EQ(options.plan.end, from_seconds(5));
  EXPECT_EQ(options.plan.phases.at(0).rate, 100);
  EXPECT_EQ(options.max_lag, from_ms(5));
  EXPECT_EQ(options.closed_connections, 0U);
}

TEST(Options, ReadWhatIsGiven) {
  const Options options =
      parse({"--phases", "0:100,5:0,6:400", "--burst", "2:500", "--burst", "1:5", "--window",
             "calm:0:5", "--header", "A: b", "--header", "C: d", "--mix", "/a:1,/b:2", "--http10",
             "--max-lag", "1.5", "--abort-share", "0.25"});
  ASSERT_EQ(options.plan.phases.size(), 3U);
  EXPECT_EQ(options.plan.phases[2].from, from_seconds(6));
  EXPECT_EQ(options.plan.bursts[0].count, 5U);
  EXPECT_EQ(options.windows[0].name, "calm");
  EXPECT_EQ(options.client.headers.size(), 2U);
  EXPECT_FALSE(options.client.keeps_alive);
  EXPECT_EQ(options.mix.paths().size(), 2U);
  EXPECT_EQ(options.max_lag, from_ms(1.5));
  EXPECT_EQ(options.abort_share, 0.25);
}

TEST(Options, WhatIsMalformedIsRefused) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"--phases", "1:5"},
                                                                 {"--phases", "0:5,0:6"},
                                                                 {"--phases", "0"},
                                                                 {"--burst", "x:1"},
                                                                 {"--burst", "1:0"},
                                                                 {"--window", "a:2:1"},
                                                                 {"--window", ":1:2"},
                                                                 {"--header", "no colon"},
                                                                 {"--header", "A: b\r\nC: d"},
                                                                 {"--path", "relative"},
                                                                 {"--abort-share", "1.5"},
                                                                 {"--timeout", "0"},
                                                                 {"--bogus"},
                                                                 {"--port", "70000"}}) {
    EXPECT_THROW(parse(words), UsageError) << words[0];
  }
}

TEST(Options, WhatMeansNothingTogetherIsRefused) {
  EXPECT_THROW(parse({"--connections", "2", "--rate", "5"}), UsageError);
  EXPECT_THROW(parse({"--connections", "2", "--requests", "5", "--seconds", "1"}), UsageError);
  EXPECT_THROW(parse({"--requests", "5"}), UsageError);
  EXPECT_THROW(parse({"--mix", "/:1", "--path", "/"}), UsageError);
  EXPECT_THROW(parse({"--rate", "5", "--phases", "0:1"}), UsageError);
}

}  // namespace
}  // namespace leastwise::bench
