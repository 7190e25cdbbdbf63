#include "leastwise/scrape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "leastwise/config.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string_view>;

Status read(Config& config, const Words& words) {
  const Directive& report = *find_directive("report");
  for (const std::string_view word : words) {
    if (Status s = set(config, report, word); !s.ok()) return s;
  }
  return config.scrape.is_on() ? complete(config.scrape) : Status{};
}

ScrapeSettings good(const Words& words) {
  Config config;
  const Status status = read(config, words);
  EXPECT_TRUE(status.ok()) << status.message();
  return config.scrape;
}

TEST(ScrapeSettings, SayWhereAndWhen) {
  const ScrapeSettings s = good({"scrape", "/load", "interval=500ms", "port=9000", "host=a.test",
                                 "tls", "sni=b.test", "jitter=5%", "jobs/64"});
  EXPECT_EQ(s.ask.uri, "/load");
  EXPECT_EQ(s.ask.interval, 500ms);
  EXPECT_EQ(s.ask.timeout, 500ms);
  EXPECT_EQ(s.ask.port, 9000);
  EXPECT_EQ(s.ask.host, "a.test");
  EXPECT_TRUE(s.ask.tls);
  EXPECT_TRUE(s.ask.status.contains(200));
  EXPECT_FALSE(s.ask.status.contains(204));
  EXPECT_EQ(s.fresh(), 1500ms);
  EXPECT_EQ(good({"scrape", "/load", "jobs"}).ask.interval, 1s);
}

TEST(ScrapeSettings, TheExporterOfMachinesHasItsPortAndSaysLittle) {
  ScrapeSettings s = good({"scrape", "/metrics", "preset=node_exporter"});
  EXPECT_EQ(s.ask.port, 9100);
  EXPECT_EQ(s.ask.uri, "/metrics?collect[]=cpu&collect[]=meminfo");
  s = good({"scrape", "/metrics?x", "preset=node_exporter", "port=9200"});
  EXPECT_EQ(s.ask.port, 9200);
  EXPECT_EQ(s.ask.uri, "/metrics?x");
  EXPECT_EQ(good({"scrape", "/metrics", "preset=vllm"}).ask.port, 0) << "the server's own";
}

TEST(ScrapeSettings, ATermIsReadPartByPart) {
  using Figure = ScrapeSettings::Figure;
  const ScrapeSettings s =
      good({"scrape", "/", "cpu=1-rate:idle{mode=idle,cpu=\"0\"}/rate:all", "max:a.b.0/0.5"});
  ASSERT_EQ(s.terms().size(), 2U);
  const ScrapeSettings::Term& cpu = s.terms()[0];
  EXPECT_EQ(cpu.figure, Figure::kCpu);
  EXPECT_TRUE(cpu.is_rest);
  EXPECT_EQ(s.series()[cpu.top].name, "idle");
  EXPECT_EQ(s.series()[cpu.top].labels, "mode=idle,cpu=\"0\"");
  EXPECT_TRUE(s.series()[cpu.top].is_rate);
  EXPECT_EQ(s.series()[cpu.below].name, "all");
  const ScrapeSettings::Term& load = s.terms()[1];
  EXPECT_EQ(load.figure, Figure::kLoad);
  EXPECT_EQ(s.series()[load.top].name, "a.b.0");
  EXPECT_TRUE(s.series()[load.top].is_max);
  EXPECT_EQ(load.divisor, 0.5);
}

TEST(ScrapeSettings, ASeriesIsKeptOnce) {
  EXPECT_EQ(good({"scrape", "/", "a/b", "cpu=a/b", "b/a"}).series().size(), 2U);
}

struct Bad {
  Words words;
  const char* message;
};
void PrintTo(const Bad& bad, std::ostream* out) {
  for (const auto word : bad.words) *out << word << ' ';
}
class BadScrapeTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadScrapeTest, IsRefusedAndSaysWhatIsAccepted) {
  Config config;
  const Status status = read(config, GetParam().words);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(std::string(status.message()).find(GetParam().message), 0U) << status.message();
}

#define PARAMETER \
  "\": expected interval=, jitter=, timeout=, port=, host=, tls, sni=, preset=, or a"
INSTANTIATE_TEST_SUITE_P(
    All, BadScrapeTest,
    ::testing::Values(
        Bad{{"scrape"}, "expected a path behind \"scrape\""},
        Bad{{"scrape", "metrics"}, "invalid URI \"metrics\": expected a path behind"},
        Bad{{"scrape", "http://a/metrics"}, "invalid URI"}, Bad{{"scrape", "/a b"}, "invalid URI"},
        Bad{{"scrape", "/"}, "nothing is asked for: expected preset=node_exporter, vllm, sglang"},
        Bad{{"scrape", "/", "memory=x"}, "no figure says how full a server is"},
        Bad{{"scrape", "/", "preset=vlm"},
            "invalid parameter \"preset=vlm\": expected node_exporter, vllm, sglang or llamacpp"},
        Bad{{"scrape", "/", "preset=vllm", "preset=vllm"}, "duplicate parameter \"preset=vllm\""},
        Bad{{"scrape", "/", "interval=1m"},
            "invalid parameter \"interval=1m\": expected a time from 100ms to 15s"},
        Bad{{"scrape", "/", "interval=1ms"},
            "invalid parameter \"interval=1ms\": expected a time from 100ms to 15s"},
        Bad{{"scrape", "/", "interval=1s", "interval=2s"}, "duplicate parameter \"interval=2s\""},
        Bad{{"scrape", "/", "a", "timeout=2s"}, "timeout=2s is longer than interval=1s"},
        Bad{{"scrape", "/", "a", "sni=b"}, "\"sni=\" is sent with \"tls\" only"},
        Bad{{"scrape", "/", "port=0"}, "invalid parameter \"port=0\""},
        Bad{{"scrape", "/", "fails=2"}, "invalid parameter \"fails=2" PARAMETER},
        Bad{{"scrape", "/", "uri=/x"}, "invalid parameter \"uri=/x" PARAMETER},
        Bad{{"scrape", "/", ""}, "invalid parameter \"" PARAMETER},
        Bad{{"scrape", "/", "load="}, "invalid parameter \"load=" PARAMETER},
        Bad{{"scrape", "/", "a/0"}, "invalid parameter \"a/0" PARAMETER},
        Bad{{"scrape", "/", "a/0.0"}, "invalid parameter \"a/0.0" PARAMETER},
        Bad{{"scrape", "/", "a/-1,"}, "invalid parameter \"a/-1," PARAMETER},
        Bad{{"scrape", "/", "a/1e3"}, "invalid parameter \"a/1e3" PARAMETER},
        Bad{{"scrape", "/", "a/1.2.3"}, "invalid parameter \"a/1.2.3" PARAMETER},
        Bad{{"scrape", "/", "a/"}, "invalid parameter \"a/" PARAMETER},
        Bad{{"scrape", "/", "a/b/c"}, "invalid parameter \"a/b/c" PARAMETER},
        Bad{{"scrape", "/", "a{"}, "invalid parameter \"a{" PARAMETER},
        Bad{{"scrape", "/", "a{b}"}, "invalid parameter \"a{b}" PARAMETER},
        Bad{{"scrape", "/", "a{=b}"}, "invalid parameter \"a{=b}" PARAMETER},
        Bad{{"scrape", "/", "a{b=c,}"}, "invalid parameter \"a{b=c,}" PARAMETER},
        Bad{{"scrape", "/", "a{b=\"c}"}, "invalid parameter \"a{b=\"c}" PARAMETER},
        Bad{{"scrape", "/", "a}"}, "invalid parameter \"a}" PARAMETER},
        Bad{{"scrape", "/", "1-"}, "invalid parameter \"1-" PARAMETER},
        Bad{{"scrape", "/", "rate:"}, "invalid parameter \"rate:" PARAMETER},
        Bad{{"scrape", "/", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"},
            "one METRIC too many, \"m\": expected 12 terms"},
        Bad{{"scrape", "/", "a", "b", "c", "d", "e", "f", "preset=vllm"}, "too many figures"}));

TEST(ScrapeSettings, TakeThePlaceOfTheHeader) {
  Config config;
  ASSERT_TRUE(set(config, *find_directive("demand"), "report").ok());
  EXPECT_TRUE(config.report.is_on());
  ASSERT_TRUE(read(config, {"scrape", "/metrics", "preset=sglang"}).ok());
  EXPECT_FALSE(config.report.is_on());
  EXPECT_TRUE(config.has_reports());
  ASSERT_TRUE(set(config, *find_directive("demand"), "report").ok());
  EXPECT_FALSE(config.report.is_on());
}

TEST(ScrapeSettings, OnlyBehindScrapeThereAreSeveral) {
  const Directive& report = *find_directive("report");
  EXPECT_TRUE(takes_several(report, "scrape"));
  EXPECT_FALSE(takes_several(report, "on"));
}

}  // namespace
}  // namespace leastwise
