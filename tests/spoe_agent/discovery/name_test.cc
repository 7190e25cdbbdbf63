#include <gtest/gtest.h>

#include "discovery/dns/name.h"

namespace leastwise::discovery::dns {
namespace {

const Hosts kHosts = {{"a", {"10.0.0.1"}}, {"b", {"10.0.0.2", "fd00::2"}}, {"c", {}}};

Record srv(const std::string& host, std::uint16_t port, std::uint16_t weight = 0,
           std::uint16_t priority = 0) {
  return {.value = host, .priority = priority, .weight = weight, .port = port};
}

TEST(ServiceRecords, AreThePortsOfHosts) {
  const Targets targets =
      targets_of({srv("a", 80), srv("b", 81), srv("c", 82), srv("d", 83)}, kHosts);
  ASSERT_EQ(targets.size(), 3U);
  EXPECT_EQ(targets.at("10.0.0.1:80"), (Target{.weight = 1}));
  EXPECT_EQ(targets.at("[fd00::2]:81"), (Target{.weight = 1}));
  EXPECT_TRUE(targets_of({}, kHosts).empty());
}

TEST(ServiceRecords, OfALaterPriorityAreBackups) {
  const Targets targets =
      targets_of({srv("a", 80, 0, 20), srv("b", 80, 0, 10), srv("a", 81, 0, 30)}, kHosts);
  EXPECT_FALSE(targets.at("10.0.0.2:80").backup);
  EXPECT_TRUE(targets.at("10.0.0.1:80").backup);
  EXPECT_TRUE(targets.at("10.0.0.1:81").backup);
}

TEST(ServiceRecords, OneThatIsNamedTwiceHasTheFirstPriority) {
  const Targets targets = targets_of({srv("a", 80, 0, 20), srv("a", 80, 0, 10)}, kHosts);
  EXPECT_FALSE(targets.at("10.0.0.1:80").backup);
}

TEST(ServiceRecords, WeightsKeepTheirRatiosUpTo256) {
  const auto weights = [](std::uint16_t a, std::uint16_t b) {
    const Targets t = targets_of({srv("a", 80, a), srv("b", 80, b)}, kHosts);
    return std::pair(t.at("10.0.0.1:80").weight, t.at("10.0.0.2:80").weight);
  };
  EXPECT_EQ(weights(60, 40), std::pair(60U, 40U));
  EXPECT_EQ(weights(100, 100), std::pair(1U, 1U));
  EXPECT_EQ(weights(0, 7), std::pair(1U, 7U));
  EXPECT_EQ(weights(60'000, 30'000), std::pair(256U, 128U));
  EXPECT_EQ(weights(65'535, 1), std::pair(256U, 1U));
}

}  // namespace
}  // namespace leastwise::discovery::dns
