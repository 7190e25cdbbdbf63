#include "scenarios/scenario_json.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "scenarios/catalogue.h"

namespace leastwise::sim {
namespace {

std::string error_of(std::string_view text) {
  try {
    scenario_from_json(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(ScenarioJsonTest, WhatIsLeftOutKeepsItsDefault) {
  const Scenario s = scenario_from_json(R"({"servers": 3, "routes": [{"mean_ms": 4}]})");
  EXPECT_EQ(s.servers, 3U);
  EXPECT_EQ(s.load, 0.7);
  ASSERT_EQ(s.routes.size(), 1U);
  EXPECT_EQ(s.routes[0].mean_ms, 4);
  EXPECT_EQ(s.routes[0].size, Size::kExponential);
}

TEST(ScenarioJsonTest, EveryNamedScenarioSurvivesTheRoundTrip) {
  for (const Scenario& s : named_scenarios()) {
    const std::string text = to_json(s);
    EXPECT_EQ(to_json(scenario_from_json(text)), text) << s.name;
  }
}

TEST(ScenarioJsonTest, ErrorsNameThePlaceAndWhatIsAccepted) {
  EXPECT_NE(error_of(R"({"sevrers": 3})").find("unknown member; there are name, servers"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"grey": {"facter": 1}})").find("grey: unknown member"), std::string::npos);
  EXPECT_EQ(error_of(R"({"arrivals": "often"})"), "arrivals: one of poisson, bursts, flash");
  EXPECT_EQ(error_of(R"({"servers": -1})"), "servers: a whole number is wanted");
  EXPECT_EQ(error_of(R"({"routes": {}})"), "routes: a list is wanted");
  EXPECT_FALSE(error_of("{").empty());
}

TEST(ScenarioJsonTest, RefusesWhatCanNotBeSimulated) {
  EXPECT_EQ(error_of(R"({"servers": 0})"), "a scenario needs 1 to 65536 servers");
  EXPECT_FALSE(error_of(R"({"cores": []})").empty());
  EXPECT_FALSE(error_of(R"({"cores": [0]})").empty());
  EXPECT_FALSE(error_of(R"({"load": 0})").empty());
  EXPECT_FALSE(error_of(R"({"warmup_ms": 40000})").empty());
  EXPECT_FALSE(error_of(R"({"routes": [{"share": 0}]})").empty());
  EXPECT_FALSE(error_of(R"({"routes": [{"size": "pareto", "shape": 1}]})").empty());
  EXPECT_FALSE(error_of(R"({"antagonists": {"on_ms": 5}})").empty());
}

}  // namespace
}  // namespace leastwise::sim
