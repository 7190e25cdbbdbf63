#include "discovery/reconcile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace leastwise::discovery {
namespace {

constexpr Target kUp{}, kGoing{.state = State::kDraining};

Member member(const std::string& address, State state = State::kUp) {
  return {.id = "id of " + address, .address = address, .state = state};
}

// "+a" added, "^a" ready, "~a" drained, "=a" weighed, "@a" placed, "-a" removed.
std::string text_of(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& s : steps) {
    text += (text.empty() ? "" : " ") + std::string(1, "+^~=@-"[static_cast<int>(s.action)]) +
            s.address;
  }
  return text;
}

std::string plan(const Targets& wanted, const std::vector<Member>& present, const Told& told = {},
                 std::size_t room = SIZE_MAX) {
  return text_of(reconcile(wanted, present, told, room));
}

TEST(Reconcile, WhatIsAsItShouldBeNeedsNothing) {
  EXPECT_EQ(plan({{"a", kUp}, {"b", kGoing}}, {member("a"), member("b", State::kDraining)}), "");
  EXPECT_EQ(plan({}, {}), "");
}

TEST(Reconcile, ThoseWhoComeAreThereBeforeThoseWhoGoLeave) {
  EXPECT_EQ(plan({{"c", kUp}, {"d", kUp}}, {member("a"), member("b")}), "+c +d -a -b");
}

TEST(Reconcile, WhoTerminatesIsDrainedAndWhoIsGoneIsRemoved) {
  EXPECT_EQ(plan({{"a", kGoing}, {"b", kUp}}, {member("a"), member("b"), member("c")}), "~a -c");
}

TEST(Reconcile, ReadyOnesAreAddedBeforeDrainingOnes) {
  EXPECT_EQ(plan({{"a", kGoing}, {"b", kUp}}, {}), "+b +a");
}

TEST(Reconcile, AnEmptyServiceEmptiesThePool) {
  EXPECT_EQ(plan({}, {member("a"), member("b")}), "-a -b");
}

TEST(Reconcile, WhoStandsInTheConfigurationIsLeftAlone) {
  Member fixed = member("a");
  fixed.ours = false;
  EXPECT_EQ(plan({}, {fixed}), "");
  EXPECT_EQ(plan({{"a", kGoing}, {"b", kUp}}, {fixed}), "+b");
}

TEST(Reconcile, WhereAServerIsTheSourceKnowsBestIfTheProxyCanBeTold) {
  Member here = member("a"), there = member("b"), untold = member("c");
  here.remote = false;
  there.remote = true;
  Target near = kUp, far = kUp;
  near.remote = false;
  far.remote = true;
  EXPECT_EQ(plan({{"a", far}, {"b", near}, {"c", far}}, {here, there, untold}), "@a @b");
  EXPECT_EQ(plan({{"a", near}, {"b", far}, {"c", near}}, {here, there, untold}), "");
  EXPECT_EQ(plan({{"a", kUp}, {"b", kUp}}, {here, there}), "") << "nothing is known";
}

TEST(Reconcile, AnOperatorsDrainAndWeightStay) {
  Told told;
  note({Action::kAdd, "", "a", kUp}, told);
  EXPECT_EQ(plan({{"a", kUp}}, {member("a", State::kDraining)}, told), "");
}

TEST(Reconcile, OurOwnDrainIsUndone) {
  Told told;
  note({Action::kAdd, "", "a", kUp}, told);
  note({Action::kDrain, "", "a", kGoing}, told);
  EXPECT_EQ(plan({{"a", kUp}}, {member("a", State::kDraining)}, told), "^a");
  note({Action::kReady, "", "a", kUp}, told);
  EXPECT_EQ(plan({{"a", kUp}}, {member("a", State::kDraining)}, told), "");
}

TEST(Reconcile, AWeightIsToldWhenTheSourceChangesIt) {
  Told told;
  note({Action::kAdd, "", "a", {.weight = 2}}, told);
  EXPECT_EQ(plan({{"a", {.weight = 2}}}, {member("a")}, told), "");
  EXPECT_EQ(plan({{"a", {.weight = 3}}}, {member("a")}, told), "=a");
  note({Action::kWeigh, "", "a", {.weight = 3}}, told);
  EXPECT_EQ(plan({{"a", {.weight = 3}}}, {member("a")}, told), "");
}

TEST(Reconcile, AfterAStartWhatIsThereIsTakenForTold) {
  Told told;
  const std::vector<Member> present = {member("a"), member("b", State::kDraining),
                                       member("c", State::kDraining)};
  const Targets wanted = {{"a", {.weight = 4}}, {"b", kUp}, {"c", kGoing}};
  adopt(wanted, present, told);
  EXPECT_EQ(plan(wanted, present, told), "") << "b is drained by an operator, a weighed by one";
  EXPECT_EQ(plan({{"a", {.weight = 5}}, {"b", kUp}, {"c", kUp}}, present, told), "^c =a");
}

TEST(Reconcile, WhoBecomesABackupLeavesAndComesAgain) {
  EXPECT_EQ(plan({{"a", {.backup = true}}}, {member("a")}), "-a");
  EXPECT_EQ(plan({{"a", {.backup = true}}}, {}), "+a");
}

TEST(Reconcile, OneAddressInTwoPlacesKeepsOne) {
  EXPECT_EQ(plan({{"a", kUp}}, {member("a"), member("a")}), "-a");
}

TEST(Reconcile, WithoutRoomOneGoesForEachThatComes) {
  EXPECT_EQ(plan({{"c", kUp}, {"d", kUp}, {"e", kUp}}, {member("a"), member("b")}, {}, 1),
            "+c -a +d -b +e");
}

// A proxy that takes each step; at most one moment in a round may be without a server, and only if
// room was short.
TEST(Reconcile, AnyTwoSetsAreReachedInTwoRoundsAndNeverByAnEmptyPool) {
  std::mt19937 random(20);  // NOLINT: the same each time
  for (int i = 0; i < 2000; ++i) {
    std::map<std::string, State> proxy;
    Targets wanted;
    for (char c = 'a'; c < 'i'; ++c) {
      const auto state = [&] { return random() % 2 == 0 ? State::kUp : State::kDraining; };
      if (random() % 2 == 0) proxy[std::string(1, c)] = state();
      if (random() % 2 == 0) wanted[std::string(1, c)] = {.state = state()};
    }
    Told told;
    for (const auto& [address, state] : proxy)
      note({Action::kAdd, "", address, {.state = state}}, told);
    const bool never_empty = !proxy.empty() && !wanted.empty();
    for (int round = 0; round < 2; ++round) {
      std::vector<Member> present;
      for (const auto& [address, state] : proxy) present.push_back(member(address, state));
      const auto steps = reconcile(wanted, present, told);
      ASSERT_TRUE(round == 0 || steps.empty()) << text_of(steps);
      for (const Step& s : steps) {
        note(s, told);
        if (s.action == Action::kRemove) proxy.erase(s.address);
        if (s.action != Action::kRemove) proxy[s.address] = s.target.state;
        ASSERT_TRUE(!never_empty || !proxy.empty());
      }
    }
    ASSERT_EQ(proxy.size(), wanted.size());
    for (const auto& [address, target] : wanted) ASSERT_EQ(proxy.at(address), target.state);
  }
}

}  // namespace
}  // namespace leastwise::discovery
