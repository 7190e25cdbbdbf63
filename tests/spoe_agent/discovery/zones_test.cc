#include "discovery/kubernetes/zones.h"

#include <gtest/gtest.h>

#include <string>

#include "discovery/kubernetes/slices.h"

namespace leastwise::discovery::kubernetes {
namespace {

Place in(const std::string& zone) { return {.zone = zone}; }
Place hinted(const std::string& zone, std::vector<std::string> for_zones) {
  return {.zone = zone, .for_zones = std::move(for_zones)};
}

// "near far ?", by address.
std::string seen_from(const std::string& own, const Places& places, Targets targets = {}) {
  for (const auto& [address, place] : places) targets.try_emplace(address);
  set_remote(own, places, targets);
  std::string text;
  for (const auto& [address, target] : targets) {
    text += text.empty() ? "" : " ";
    text += !target.remote ? "?" : *target.remote ? "far" : "near";
  }
  return text;
}

TEST(Zones, AnotherZoneIsFarAndOneThatIsNotSaidIsNotKnown) {
  EXPECT_EQ(seen_from("a", {{"1", in("a")}, {"2", in("b")}, {"3", in("")}}), "near far ?");
  EXPECT_EQ(seen_from("", {{"1", in("a")}, {"2", in("b")}}), "? ?");
}

TEST(Zones, HintsCountWhenAllHaveThemAndOneIsForUs) {
  const Places all = {{"1", hinted("a", {"b"})}, {"2", hinted("b", {"a", "c"})}};
  EXPECT_EQ(seen_from("a", all), "far near");
  EXPECT_EQ(seen_from("c", all), "far near");
  EXPECT_EQ(seen_from("d", all), "far far");
  const Places some = {{"1", hinted("a", {"b"})}, {"2", in("b")}};
  EXPECT_EQ(seen_from("a", some), "near far");
  EXPECT_EQ(seen_from("b", some), "far near");
}

TEST(Zones, WhoDrainsNeedsNoHint) {
  EXPECT_EQ(seen_from("a", {{"1", in("a")}, {"2", hinted("b", {"a"})}},
                      {{"1", {.state = State::kDraining}}}),
            "near near");
}

TEST(Zones, AreReadFromTheSlices) {
  Slices slices;
  std::string version, error, trouble;
  ASSERT_TRUE(slices.read_list(
      R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":"5"},"items":[
        {"metadata":{"name":"s"},"addressType":"IPv4","ports":[{"port":80}],"endpoints":[
          {"addresses":["10.0.0.1"],"zone":"a","hints":{"forZones":[{"name":"b"}]}},
          {"addresses":["10.0.0.2"],"zone":"b","hints":{"forZones":[{"name":"a"},7,{}]}}]}]})",
      version, error));
  const Targets targets = slices.targets({}, Family::kAuto, "a", trouble);
  EXPECT_EQ(targets.at("10.0.0.1:80").remote, true);
  EXPECT_EQ(targets.at("10.0.0.2:80").remote, false);
  EXPECT_EQ(slices.targets({}, Family::kAuto, "", trouble).at("10.0.0.1:80").remote, std::nullopt);
}

}  // namespace
}  // namespace leastwise::discovery::kubernetes
