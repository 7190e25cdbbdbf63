#include "bench/load/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace leastwise::bench {
namespace {

// Ten requests, one per second, of 1 ... 10 ms, to two servers in turn.
RunResult ten_requests() {
  RunResult result;
  result.server_names = {"a", "b"};
  result.span = from_seconds(10);
  result.scheduled = 10;
  for (std::uint32_t i = 0; i < 10; ++i) {
    Sample sample;
    sample.at = from_seconds(i + 0.5);
    sample.latency = from_ms(i + 1);
    sample.server = i % 2;
    sample.path = i < 4 ? 0 : 1;
    sample.status = 200;
    result.samples.push_back(sample);
    result.lags.push_back(from_ms(0.1 * i));
  }
  return result;
}

Options options_with_two_paths() {
  Options options;
  options.mix = Mix::parse("/a:1,/b:1");
  return options;
}

TEST(Report, SplitsByPathWindowSliceAndServer) {
  Options options = options_with_two_paths();
  options.slice = from_seconds(4);
  options.windows = {{"mid", from_seconds(2), from_seconds(4)}};
  const auto json = report_json(options, ten_requests());
  EXPECT_EQ(json["all"]["requests"], 10);
  EXPECT_EQ(json["all"]["rate"], 1.0);
  EXPECT_DOUBLE_EQ(json["all"]["mean_ms"], 5.5);
  EXPECT_EQ(json["all"]["servers"]["a"], 5);
  EXPECT_EQ(json["paths"]["/a"]["requests"], 4);
  EXPECT_DOUBLE_EQ(json["paths"]["/b"]["mean_ms"], 7.5);
  EXPECT_DOUBLE_EQ(json["windows"]["mid"]["mean_ms"], 3.5);
  EXPECT_EQ(json["windows"]["mid"]["rate"], 1.0);
  ASSERT_EQ(json["slices"].size(), 3U);
  EXPECT_EQ(json["slices"][2]["requests"], 2);
  EXPECT_EQ(json["slices"][2]["rate"], 1.0);  // the last slice is half as long
}

TEST(Report, TheWarmUpIsNotInTheTotals) {
  Options options = options_with_two_paths();
  options.warm_up = from_seconds(5);
  const auto json = report_json(options, ten_requests());
  EXPECT_EQ(json["all"]["requests"], 5);
  EXPECT_EQ(json["all"]["rate"], 1.0);
  EXPECT_EQ(json["paths"]["/a"]["requests"], 0);
}

TEST(Report, SaysWhenWeWereTooLate) {
  Options options = options_with_two_paths();
  options.max_lag = from_ms(0.9);
  EXPECT_FALSE(is_too_late(options, ten_requests()));
  options.max_lag = from_ms(0.8);
  EXPECT_TRUE(is_too_late(options, ten_requests()));
  EXPECT_EQ(report_json(options, ten_requests())["lag"]["is_too_late"], true);
}

TEST(Report, TheTableHasOneRowForEachPath) {
  const std::string table = report_table(options_with_two_paths(), ten_requests());
  EXPECT_NE(table.find("\n/a "), std::string::npos);
  EXPECT_NE(table.find("\n/b "), std::string::npos);
}

}  // namespace
}  // namespace leastwise::bench
