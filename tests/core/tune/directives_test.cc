#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "leastwise/config.h"
#include "leastwise/status_page.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

Status set(Config& config, std::string_view name, std::string_view value) {
  const Directive* directive = find_directive(name);
  EXPECT_NE(directive, nullptr) << name;
  return set(config, *directive, value);
}

TEST(DirectivesTest, ReadsEveryUnitOfTime) {
  Config config;
  for (const auto& [text, expected] : std::vector<std::pair<const char*, Duration>>{
           {"250ms", 250ms}, {"100000us", 100ms}, {"8s", 8s}, {"2m", 2min}, {"1h", 1h}}) {
    ASSERT_TRUE(set(config, "decay", text).ok()) << text;
    EXPECT_EQ(config.decay, expected);
  }
}

struct Bad {
  const char* directive;
  const char* value;
  const char* message;
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.directive << ' ' << bad.value; }

class BadValueTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadValueTest, IsRefusedAndSaysWhatIsAcceptedAndChangesNothing) {
  Config config;
  const Config before;
  const Status status = set(config, GetParam().directive, GetParam().value);
  EXPECT_FALSE(status.ok());
  EXPECT_STREQ(status.message(), GetParam().message);
  EXPECT_EQ(config.policy, before.policy);
  EXPECT_EQ(config.decay, before.decay);
  EXPECT_EQ(config.demand, before.demand);
  EXPECT_EQ(config.sample, before.sample);
  EXPECT_EQ(config.route, before.route);
  EXPECT_EQ(config.prompt_memory.bytes, before.prompt_memory.bytes);
}

#define TIME "expected a time from 100ms to 1h, as 250ms, 30s, 30 (seconds) or 1m30s"
#define SIZE "expected a size from 1m to 1g, as 65536k, 64m or 1g"
INSTANTIATE_TEST_SUITE_P(
    All, BadValueTest,
    ::testing::Values(
        Bad{"decay", "5x", "invalid value \"5x\": " TIME},
        Bad{"decay", "", "invalid value \"\": " TIME},
        Bad{"decay", "8000", "invalid value \"8000\": " TIME},
        Bad{"decay", "1d", "invalid value \"1d\": " TIME},
        Bad{"decay", "1s1s", "invalid value \"1s1s\": " TIME},
        Bad{"decay", "30s1m", "invalid value \"30s1m\": " TIME},
        Bad{"decay", "1m ", "invalid value \"1m \": " TIME},
        Bad{"decay", " 1m", "invalid value \" 1m\": " TIME},
        Bad{"decay", "1 m", "invalid value \"1 m\": " TIME},
        Bad{"decay", "1m-30s", "invalid value \"1m-30s\": " TIME},
        Bad{"decay", "1.5s", "invalid value \"1.5s\": " TIME},
        Bad{"decay", "s", "invalid value \"s\": " TIME},
        Bad{"decay", "59m61s", "invalid value \"59m61s\": " TIME},
        Bad{"decay", "-8s", "invalid value \"-8s\": " TIME},
        Bad{"decay", "99ms", "invalid value \"99ms\": " TIME},
        Bad{"decay", "61m", "invalid value \"61m\": " TIME},
        Bad{"decay", "99999999999999999999h", "invalid value \"99999999999999999999h\": " TIME},
        Bad{"decay", "9223372036854775807h", "invalid value \"9223372036854775807h\": " TIME},
        Bad{"policy", "best",
            "invalid value \"best\": expected adaptive, least_conn, least_time, peak_ewma, "
            "two_choices, round_robin, weighted, hash or inference"},
        Bad{"policy", "",
            "invalid value \"\": expected adaptive, least_conn, least_time, peak_ewma, "
            "two_choices, round_robin, weighted, hash or inference"},
        Bad{"demand", "cpu", "invalid value \"cpu\": expected static, speed or report"},
        Bad{"sample", "Full", "invalid value \"Full\": expected auto, first_byte or full"},
        Bad{"prompt_memory", "", "invalid value \"\": " SIZE},
        Bad{"prompt_memory", "16", "invalid value \"16\": " SIZE},
        Bad{"prompt_memory", "m", "invalid value \"m\": " SIZE},
        Bad{"prompt_memory", "0m", "invalid value \"0m\": " SIZE},
        Bad{"prompt_memory", "1023k", "invalid value \"1023k\": " SIZE},
        Bad{"prompt_memory", "1048577k", "invalid value \"1048577k\": " SIZE},
        Bad{"prompt_memory", "2g", "invalid value \"2g\": " SIZE},
        Bad{"prompt_memory", "4294967295g", "invalid value \"4294967295g\": " SIZE},
        Bad{"prompt_memory", "4294967296k", "invalid value \"4294967296k\": " SIZE},
        Bad{"prompt_memory", "-1m", "invalid value \"-1m\": " SIZE},
        Bad{"prompt_memory", "1.5m", "invalid value \"1.5m\": " SIZE},
        Bad{"prompt_memory", "16mb", "invalid value \"16mb\": " SIZE},
        Bad{"prompt_memory", "1 m", "invalid value \"1 m\": " SIZE},
        Bad{"route", "", "invalid value \"\": expected a text that is not empty"}));

TEST(DirectivesTest, ATimeIsReadAsNginxReadsIt) {
  struct Case {
    std::string_view text;
    Duration time;
  };
  using namespace std::chrono_literals;
  for (const Case c : {Case{"30", 30s}, Case{"1m30s", 90s}, Case{"1m30", 90s}, Case{"250ms", 250ms},
                       Case{"1m 30s", 90s}, Case{"1m  30", 90s}, Case{"1s500ms", 1500ms},
                       Case{"1h", 1h}, Case{"59m60s", 1h}}) {
    Config config;
    EXPECT_TRUE(set(config, *find_directive("decay"), c.text).ok()) << c.text;
    EXPECT_EQ(config.decay, c.time) << c.text;
  }
  Duration day{};
  EXPECT_TRUE(parse_duration("1d", Duration::zero(), 48h, day).ok());
  EXPECT_EQ(day, 24h);
  EXPECT_FALSE(parse_duration("1d9223372036854775807us", Duration::zero(), 48h, day).ok());
}

TEST(DirectivesTest, ASwitchIsReadAsNginxReadsIt) {
  const Directive& outlier = *find_directive("outlier");
  Config config;
  for (const std::string_view text : {"on", "ON", "On"}) {
    config.outlier = false;
    EXPECT_TRUE(set(config, outlier, text).ok()) << text;
    EXPECT_TRUE(config.outlier) << text;
  }
  EXPECT_TRUE(set(config, outlier, "Off").ok());
  EXPECT_FALSE(config.outlier);
  EXPECT_STREQ(set(config, outlier, "offf").message(),
               "invalid value \"offf\": expected on or off");
  EXPECT_STREQ(set(config, outlier, "TRUE").message(),
               "invalid value \"TRUE\": expected on or off");
  EXPECT_FALSE(set(config, outlier, "offff").ok());
}

TEST(DirectivesTest, ASizeIsReadAsNginxReadsIt) {
  Config config;
  EXPECT_EQ(config.prompt_memory.bytes, 16U << 20);
  for (const auto& [text, mebibytes] : std::vector<std::pair<const char*, std::uint64_t>>{
           {"1024k", 1}, {"1m", 1}, {"64M", 64}, {"65536K", 64}, {"1024m", 1024}, {"1g", 1024}}) {
    ASSERT_TRUE(set(config, "prompt_memory", text).ok()) << text;
    EXPECT_EQ(config.prompt_memory.bytes, mebibytes << 20) << text;
  }
}

TEST(DirectivesTest, NamesAreUniqueAndHaveHelp) {
  for (const Directive& d : directives()) {
    EXPECT_EQ(find_directive(d.name), &d);
    EXPECT_FALSE(d.help.empty());
    EXPECT_FALSE(d.syntax.empty());
  }
  EXPECT_EQ(find_directive("nonsense"), nullptr);
}

TEST(DirectivesTest, TheDefaultPolicyIsAdaptive) {
  EXPECT_EQ(Config{}.chosen_policy().name, "adaptive");
}

// Written anew with LEASTWISE_UPDATE_DOCS=1.
TEST(DirectivesTest, TheManualIsWhatTheTableSays) {
  std::vector<char> buffer(64 * 1024);
  Text text(buffer);
  render_directives(text);
  ASSERT_TRUE(text.fits());
  if (std::getenv("LEASTWISE_UPDATE_DOCS") != nullptr) {
    std::ofstream(LEASTWISE_DOCS "/directives.md") << text.view();
  }
  std::ifstream file(LEASTWISE_DOCS "/directives.md");
  std::stringstream manual;
  manual << file.rdbuf();
  EXPECT_EQ(manual.str(), text.view());
}

TEST(Directives, DemandReportListensToReports) {
  Config config;
  ASSERT_TRUE(set(config, *find_directive("demand"), "report").ok());
  EXPECT_EQ(config.report.name(), "on");
  Config chosen;
  ASSERT_TRUE(set(chosen, *find_directive("report"), "mem_utilization").ok());
  ASSERT_TRUE(set(chosen, *find_directive("demand"), "report").ok());
  EXPECT_EQ(chosen.report.name(), "mem_utilization");
}

}  // namespace
}  // namespace leastwise
