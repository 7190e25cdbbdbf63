#include "drive/haproxy.h"

#include <gtest/gtest.h>

namespace leastwise::drive {
namespace {

using discovery::Action;
using discovery::State;
using discovery::Targets;

agent::ServerInfo slot(const std::string& name, const std::string& address, bool is_used,
                       std::uint32_t current = 0) {
  agent::ServerInfo s{.name = name, .address = address, .settings = {}};
  s.is_slot = true;
  s.in_maintenance = !is_used;
  s.figures.current = current;
  return s;
}

agent::BackendInfo app() {
  agent::ServerInfo fixed{.name = "fixed", .address = "10.0.0.9:80", .settings = {}};
  agent::ServerInfo drained = slot("a2", "10.0.0.2:80", true);
  drained.is_drained = true;
  return {.name = "app",
          .servers = {fixed, slot("a1", "10.0.0.1:80", true), drained,
                      slot("a3", "10.0.0.3:80", false, 2), slot("a4", "127.0.0.1:1", false)}};
}

std::vector<std::string> plan(const Targets& wanted, discovery::Told told = {}) {
  const SlotView view = view_slots(app());
  return commands_for(discovery::reconcile(wanted, view.members, told, view.free.size()), "app",
                      view);
}

using Commands = std::vector<std::string>;

TEST(HaproxySlots, AreMembersOrRoomAndTheIdleOnesComeFirst) {
  const SlotView view = view_slots(app());
  ASSERT_EQ(view.members.size(), 3U);
  EXPECT_FALSE(view.members[0].ours);
  EXPECT_EQ(view.members[1].state, State::kUp);
  EXPECT_EQ(view.members[2].state, State::kDraining);
  EXPECT_EQ(view.free, (Commands{"a4", "a3"}));
}

TEST(HaproxySlots, OneThatJoinsTakesAFreeOne) {
  EXPECT_EQ(plan({{"10.0.0.1:80", {}}, {"10.0.0.2:80", {}}, {"[fd00::1]:8080", {.weight = 3}}}),
            (Commands{"set server app/a4 addr fd00::1 port 8080", "set server app/a4 weight 3",
                      "set server app/a4 state ready"}));
}

TEST(HaproxySlots, OneThatTerminatesDrainsAndOneThatIsGoneGoesIntoMaintenance) {
  EXPECT_EQ(plan({{"10.0.0.1:80", {.state = State::kDraining}}}),
            (Commands{"set server app/a1 state drain", "set server app/a2 state maint"}));
}

TEST(HaproxySlots, ASlotThatIsGivenUpIsUsedAgainWhenThereIsNoOther) {
  EXPECT_EQ(plan({{"10.0.1.1:80", {}}, {"10.0.1.2:80", {}}, {"10.0.1.3:80", {}}}),
            (Commands{"set server app/a4 addr 10.0.1.1 port 80", "set server app/a4 weight 100%",
                      "set server app/a4 state ready", "set server app/a3 addr 10.0.1.2 port 80",
                      "set server app/a3 weight 100%", "set server app/a3 state ready",
                      "set server app/a1 state maint", "set server app/a1 addr 10.0.1.3 port 80",
                      "set server app/a1 weight 100%", "set server app/a1 state ready",
                      "set server app/a2 state maint"}));
}

TEST(HaproxySlots, WeightsAreOneTo256) {
  EXPECT_EQ(
      plan({{"10.0.0.1:80", {}}, {"10.0.0.2:80", {}}, {"10.0.0.5:80", {.weight = 60'000}}})[1],
      "set server app/a4 weight 256");
}

TEST(HaproxySlots, BackupsAreUsedWhereThereIsNobodyElse) {
  const Targets one = {{"a:1", {}}, {"b:1", {.backup = true}}};
  EXPECT_EQ(without_backups(one).size(), 1U);
  const Targets only = {{"b:1", {.backup = true}}};
  ASSERT_EQ(without_backups(only).size(), 1U);
  EXPECT_FALSE(without_backups(only).at("b:1").backup);
}

}  // namespace
}  // namespace leastwise::drive
