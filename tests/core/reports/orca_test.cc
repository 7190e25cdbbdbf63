#include "reports/orca.h"

#include <gtest/gtest.h>

#include <array>

#include "core/reports/hostile.h"
#include "reports/base64.h"

namespace leastwise {
namespace {

constexpr ReportMetric kOn{"on"};

LoadReport good(std::string_view value, const ReportMetric& metric = kOn) {
  const LoadReport report = read_orca(value, metric);
  EXPECT_EQ(report.state, LoadReport::State::kGood) << value;
  return report;
}

TEST(Orca, TextIsRead) {
  const LoadReport r = good("TEXT cpu_utilization=0.3, mem_utilization=0.8, rps_fractional=100");
  EXPECT_FLOAT_EQ(r.cpu, 0.3F);
  EXPECT_FLOAT_EQ(r.memory, 0.8F);
  EXPECT_FLOAT_EQ(r.utilisation, 0.3F);
}

TEST(Orca, OlderTextIsRead) {
  EXPECT_FLOAT_EQ(good("cpu_utilization:0.3,mem_utilization:0.8").memory, 0.8F);
}

TEST(Orca, JsonIsReadInBothSpellings) {
  EXPECT_FLOAT_EQ(good("JSON {\"cpu_utilization\": 0.3, \"rps\": \"17\"}").cpu, 0.3F);
  EXPECT_FLOAT_EQ(good("JSON {\"cpuUtilization\": 1}").cpu, 1);
  const ReportMetric queue{"named_metrics.queueSize"};
  EXPECT_FLOAT_EQ(good("JSON {\"namedMetrics\":{\"queueSize\":2},\"eps\":0}", queue).utilisation,
                  2);
}

TEST(Orca, BinIsRead) {
  // cpu_utilization 0.5, and the same as a trailer of gRPC.
  EXPECT_FLOAT_EQ(good("BIN CQAAAAAAAOA/").cpu, 0.5F);
  EXPECT_FLOAT_EQ(read_orca_bin("CQAAAAAAAOA/", kOn).cpu, 0.5F);
  // named_metrics {"kv": 0.25}: field 8, a map entry of key (1) and double (2).
  EXPECT_FLOAT_EQ(good("BIN Qg0KAmt2EQAAAAAAANA/", {"named_metrics.kv"}).utilisation, 0.25F);
}

TEST(Base64, IsReadWithAndWithoutPadding) {
  std::array<char, 8> buffer;
  std::string_view out;
  for (const std::string_view text : {"aGk=", "aGk"}) {
    ASSERT_TRUE(decode_base64(text, buffer, out));
    EXPECT_EQ(out, "hi");
  }
  ASSERT_TRUE(decode_base64("aA==", buffer, out));
  EXPECT_EQ(out, "h");
  for (const std::string_view bad : {"a", "aG=k", "a===", "aG k", "aaaaaaaaaaaa"}) {
    EXPECT_FALSE(decode_base64(bad, buffer, out)) << bad;
  }
}

TEST(Orca, ApplicationUtilisationGoesBeforeCpu) {
  EXPECT_FLOAT_EQ(good("TEXT cpu_utilization=0.3,application_utilization=0.7").utilisation, 0.7F);
  // gRPC's rule: zero is the same as not said.
  EXPECT_FLOAT_EQ(good("TEXT cpu_utilization=0.3,application_utilization=0").utilisation, 0.3F);
}

TEST(Orca, TheMetricThatIsAskedForCounts) {
  const std::string_view text = "TEXT cpu_utilization=0.3, named_metrics.kv_cache_usage_perc=0.9";
  EXPECT_FLOAT_EQ(good(text, {"named_metrics.kv_cache_usage_perc"}).utilisation, 0.9F);
  EXPECT_FLOAT_EQ(good(text, {"cpu_utilization"}).utilisation, 0.3F);
  EXPECT_EQ(good(text, {"utilization.gpu"}).utilisation, LoadReport::kUnknown);
}

TEST(Orca, MayBeMoreThanFull) { EXPECT_FLOAT_EQ(good("TEXT cpu_utilization=7").utilisation, 7); }

TEST(Orca, OthersFiguresMayBeAnything) {
  EXPECT_FLOAT_EQ(good("TEXT cpu_utilization=0.3,named_metrics.delta=-4").cpu, 0.3F);
}

TEST(Orca, WhatCanNotBeMeantIsRefused) {
  const auto all = hostile_reports();
  EXPECT_GE(all.size(), 40U);
  for (const std::string& value : all) {
    const LoadReport report = read_orca(value, kOn);
    EXPECT_EQ(report.state, LoadReport::State::kRefused) << value.substr(0, 80);
    EXPECT_EQ(report.utilisation, LoadReport::kUnknown) << value.substr(0, 80);
  }
}

}  // namespace
}  // namespace leastwise
