#include "report/report.h"

#include <gtest/gtest.h>

#include <sstream>

namespace leastwise::sim {
namespace {

Row row(const std::string& scenario, const std::string& policy, double mean) {
  Row r;
  r.scenario = scenario;
  r.policy = policy;
  r.figures = {mean, mean, 2 * mean, 4 * mean, 0.25, 100};
  r.seeds = {1, 2};
  r.by_seed = {r.figures, r.figures};
  return r;
}

const std::vector<Row> kRows = {row("a<b", "plain", 10), row("a<b", "clever", 5)};

TEST(ReportTest, TheTableHasRatiosToTheReference) {
  std::ostringstream out;
  write_table(kRows, "plain", out);
  EXPECT_NE(out.str().find("0.500/0.500/0.500"), std::string::npos) << out.str();
  std::ostringstream without;
  write_table(kRows, "another", without);
  EXPECT_EQ(without.str().find("0.500/"), std::string::npos);
}

TEST(ReportTest, CsvHasOneLinePerSeed) {
  std::ostringstream out;
  write_csv(kRows, out);
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);
  EXPECT_NE(text.find("\"a<b\",clever,2,100,5.0000,5.0000,10.0000,20.0000,0.250000\n"),
            std::string::npos);
}

TEST(ReportTest, SvgEscapesNamesAndDrawsThreeBarsPerRow) {
  std::ostringstream out;
  write_svg(kRows, "plain", out);
  const std::string svg = out.str();
  EXPECT_NE(svg.find("a&lt;b"), std::string::npos);
  EXPECT_EQ(svg.find("a<b"), std::string::npos);
  EXPECT_NE(svg.find("ratio to plain"), std::string::npos);
  std::size_t bars = 0;
  for (std::size_t at = 0; (at = svg.find("height=\"8\"", at)) != std::string::npos; ++at) ++bars;
  EXPECT_EQ(bars, 6U);
}

TEST(ReportTest, WithoutAReferenceSvgShowsMilliseconds) {
  std::ostringstream out;
  write_svg(kRows, "another", out);
  EXPECT_NE(out.str().find("milliseconds"), std::string::npos);
}

}  // namespace
}  // namespace leastwise::sim
