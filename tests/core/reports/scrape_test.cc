#include "reports/scrape.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/reports/exposed.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string_view>;

constexpr TimePoint kStart = TimePoint{} + 1000s;

ScrapeSettings settings(const Words& words) {
  ScrapeSettings s;
  EXPECT_TRUE(set(s, "scrape").ok());
  EXPECT_TRUE(set(s, "/metrics").ok());
  for (const std::string_view word : words) {
    const Status status = set(s, word);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  return s;
}

struct Result {
  ProbeFault fault = ProbeFault::kNone;
  LoadReport report;
};

// What comes of one text, or of two that are a second apart.
Result read(const ScrapeSettings& s, std::string_view text, std::string_view earlier = {},
            bool is_cut = false) {
  Samples before, now;
  before.at = kStart;
  now.at = kStart + 1s;
  if (!earlier.empty()) {
    EXPECT_EQ(read_samples(earlier, false, s, before), ProbeFault::kNone);
  }
  Result r;
  r.fault = read_samples(text, is_cut, s, now);
  if (r.fault == ProbeFault::kNone) {
    r.fault = report_of(s, now, earlier.empty() ? nullptr : &before, r.report);
  }
  return r;
}

TEST(Scrape, TheMachinesCpuIsTheDifferenceOfTwo) {
  const ScrapeSettings s = settings({"preset=node_exporter"});
  const Result first = read(s, kNodeExporter);
  EXPECT_EQ(first.fault, ProbeFault::kNone);
  EXPECT_EQ(first.report.cpu, LoadReport::kUnknown);
  EXPECT_NEAR(first.report.memory, 1 - 24.24582144 / 25.276059648, 1e-6);
  const Result second = read(s, kNodeExporterLater, kNodeExporter);
  // Of two CPUs in that second 2.00 s: 0.5 idle, 1.5 busy.
  EXPECT_NEAR(second.report.cpu, 0.75, 1e-6);
  EXPECT_NEAR(second.report.utilisation, 0.75, 1e-6);
}

TEST(Scrape, ACounterThatBeganAnewIsNoReportAndNoFault) {
  const ScrapeSettings s = settings({"rate:busy_seconds_total/4"});
  EXPECT_NEAR(read(s, "busy_seconds_total 12", "busy_seconds_total 10").report.utilisation, 0.5,
              1e-6);
  for (const char* before : {"busy_seconds_total 13", ""}) {
    const Result r = read(s, "busy_seconds_total 12", before);
    EXPECT_EQ(r.fault, ProbeFault::kNone);
    EXPECT_EQ(r.report.state, LoadReport::State::kNone);
  }
}

TEST(Scrape, VllmSaysWhatWaitsAndRunsAndHowFullItsCacheIs) {
  for (const std::string_view text : {kVllm, kOlderVllm}) {
    const Result r = read(settings({"preset=vllm"}), text);
    EXPECT_EQ(r.fault, ProbeFault::kNone);
    EXPECT_EQ(r.report.waiting, 3);
    EXPECT_EQ(r.report.running, 12);
    EXPECT_FLOAT_EQ(r.report.memory, 0.4375F);
    EXPECT_FLOAT_EQ(r.report.utilisation, 0.6F) << "3 of 5 that wait are more than the cache";
    EXPECT_EQ(r.report.cpu, LoadReport::kUnknown);
  }
}

TEST(Scrape, SglangAndLlamaCppAreRead) {
  const LoadReport sglang = read(settings({"preset=sglang"}), kSglang).report;
  EXPECT_FLOAT_EQ(sglang.memory, 0.28F);
  EXPECT_EQ(sglang.waiting, 2826);
  EXPECT_EQ(sglang.running, 26);
  const LoadReport llama =
      read(settings({"preset=llamacpp", "llamacpp:requests_processing/4"}), kLlamaCpp).report;
  EXPECT_EQ(llama.memory, LoadReport::kUnknown) << "it has no such figure any more";
  EXPECT_EQ(llama.waiting, 0);
  EXPECT_FLOAT_EQ(llama.utilisation, 0.25F);
}

TEST(Scrape, JsonIsReadByTheWayToAFigure) {
  const char* text = R"({"cpu":{"busy":37.5,"name":"x"},"ok":true,"none":null,
                         "pools":[{"used":3},{"used":8,"deep":[[1,2],[7]]}],"mem":0.25})";
  const ScrapeSettings s = settings({"cpu=cpu.busy/100", "memory=mem", "pools.1.used/16",
                                     "waiting=pools.1.deep.1.0", "running=pools.0.used"});
  const LoadReport r = read(s, text).report;
  EXPECT_FLOAT_EQ(r.cpu, 0.375F);
  EXPECT_FLOAT_EQ(r.memory, 0.25F);
  EXPECT_FLOAT_EQ(r.utilisation, 0.5F);
  EXPECT_EQ(r.waiting, 7);
  EXPECT_EQ(r.running, 3);
  EXPECT_FLOAT_EQ(read(settings({"0"}), "[0.5]").report.utilisation, 0.5F);
}

TEST(Scrape, SamplesAreAddedUpOrTheLargestIsTakenAndLabelsChoose) {
  const char* text =
      "# HELP jobs \"{\n"
      "jobs{kind=\"io\",text=\"a \\\"}\\\" b\"} 1\n"
      "jobs { kind = \"cpu\" , } 2 1700000000000\r\n"
      "jobs{kind=\"cpu\"} +3e0\n"
      "jobs_total 99\n"
      "jobs NaN\n";
  const auto load = [&](std::string_view term) { return read(settings({term}), text).report; };
  EXPECT_EQ(load("jobs").utilisation, 6);
  EXPECT_EQ(load("max:jobs").utilisation, 3);
  EXPECT_EQ(load("jobs{kind=cpu}").utilisation, 5);
  EXPECT_EQ(load("max:jobs{kind=\"cpu\"}/2").utilisation, 1.5F);
  EXPECT_EQ(load("jobs/jobs_total").utilisation, 6.0F / 99);
  EXPECT_EQ(read(settings({"jobs{kind=net}"}), text).fault, ProbeFault::kNoMetrics);
}

TEST(Scrape, OfATextThatWasCutTheLastNameCountsForNothing) {
  const char* text = "a 0.5\nb{x=\"1\"} 2\nb{x=\"2\"} 3\nb{x=\"3\"} 4";
  EXPECT_FLOAT_EQ(read(settings({"a"}), text, {}, true).report.utilisation, 0.5F);
  EXPECT_EQ(read(settings({"b/100"}), text, {}, true).fault, ProbeFault::kTooMuch);
  EXPECT_FLOAT_EQ(read(settings({"b/100"}), text).report.utilisation, 0.09F);
  for (const char* none : {"{\"a\":0.5", "a{", "xxxx"}) {
    EXPECT_EQ(read(settings({"a"}), none, {}, true).fault, ProbeFault::kTooMuch);
  }
}

TEST(Scrape, WhoIsFullerThanFullIsReadAsHeaderReportsAre) {
  EXPECT_EQ(read(settings({"a"}), "a 7").report.utilisation, 7);
  EXPECT_EQ(read(settings({"a", "memory=b"}), "a 1\nb 1.0000001").report.memory, 1);
}

TEST(Scrape, NothingIsKnownOfAPartOfNothing) {
  EXPECT_EQ(read(settings({"used/all"}), "used 0\nall 0").fault, ProbeFault::kNoMetrics);
}

TEST(Scrape, WhatCanNotBeMeantIsRefused) {
  const ScrapeSettings s = settings({"a", "memory=m", "cpu=1-idle/all"});
  for (const HostileText& bad : hostile_texts()) {
    const Result r = read(s, bad.text);
    EXPECT_EQ(name(r.fault), name(bad.fault)) << bad.text.substr(0, 80);
    EXPECT_NE(r.report.state, LoadReport::State::kGood) << bad.text.substr(0, 80);
  }
}

}  // namespace
}  // namespace leastwise
