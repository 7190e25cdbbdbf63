#include "companion/metrics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace leastwise::companion {
namespace {

Figures some() {
  return {.pools = {{.kind = "upstream",
                     .name = "app",
                     .up = 3,
                     .draining = 1,
                     .is_current = true,
                     .source_age_s = 1.5,
                     .source = {.answers = 7, .failures = {{"403", 2}, {"unreachable", 5}}},
                     .driver = {.added = 4, .asked = 9, .servers = 4, .is_settled = false}}},
          .share = ShareFigures{.is_connected = true, .tellers = 3, .told = 8, .bytes = 99},
          .reloads = 1,
          .failed_reloads = 2};
}

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(CompanionMetrics, SayWhatThereIsOfEachPool) {
  const std::string text = metrics_text(some());
  const std::string pool = R"({kind="upstream",pool="app")";
  for (const std::string& line :
       {"endpoints" + pool + R"(,state="up"} 3)", "endpoints" + pool + R"(,state="draining"} 1)",
        "source_up" + pool + "} 1", "source_age_seconds" + pool + "} 1.500",
        "source_errors_total" + pool + R"(,reason="403"} 2)", "servers" + pool + "} 4",
        "proxy_requests_total" + pool + "} 9", "changes_total" + pool + R"(,change="added"} 4)",
        std::string("share_connected 1"), std::string("share_tellers 3"),
        std::string("share_told_total 8"), std::string("share_bytes_total 99"),
        std::string(R"(reloads_total{result="refused"} 2)")}) {
    EXPECT_TRUE(has(text, "leastwise_companion_" + line)) << line << "\n" << text;
  }
  EXPECT_EQ(text.find("proxy_age_seconds{"), std::string::npos) << "it never had what it should";
}

TEST(CompanionMetrics, AreWellWhenAllAnswerAndHaveWhatTheyShould) {
  Figures figures = some();
  EXPECT_FALSE(is_well(figures));
  figures.pools[0].driver.is_settled = true;
  EXPECT_TRUE(is_well(figures));
  figures.pools[0].is_current = false;
  EXPECT_FALSE(is_well(figures));
}

TEST(CompanionMetrics, AreAllInTheManual) {
  std::ifstream file(LEASTWISE_DOCS "/kubernetes.md");
  std::ostringstream manual;
  manual << file.rdbuf();
  std::istringstream lines(metrics_text(some()));
  int n = 0;
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kType = "# TYPE ";
    if (!line.starts_with(kType)) continue;
    const std::string name = line.substr(kType.size(), line.find(' ', kType.size()) - kType.size());
    EXPECT_NE(manual.view().find("`" + name + "`"), std::string_view::npos) << name;
    ++n;
  }
  EXPECT_EQ(n, 18);
}

}  // namespace
}  // namespace leastwise::companion
