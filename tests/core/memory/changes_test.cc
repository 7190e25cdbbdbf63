#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class ChangesTest : public PoolFixture {
 protected:
  void SetUp() override {
    use("round_robin");
    make({1, 1}, 8);
  }
  EndpointId id(std::size_t member) const { return members_[member].id; }
  void configure(std::size_t member, std::uint32_t weight, std::uint32_t flags = 0) {
    pool_.configure(id(member), {.weight = weight, .flags = flags});
  }
};

TEST_F(ChangesTest, AChangedWeightCountsAtOnceAndTheOtherSettingsStay) {
  pool_.configure(id(0), {.weight = 1, .max_conns = 500, .max_fails = 2, .fail_timeout = 7s});
  pool_.change(id(0), {.fields = Change::kWeight, .to = {.weight = 3}});
  const EndpointSettings now = pool_.settings(id(0));
  EXPECT_EQ(now.weight, 3U);
  EXPECT_EQ(now.max_conns, 500U);
  EXPECT_EQ(now.max_fails, 2U);
  EXPECT_EQ(now.fail_timeout, 7s);
  EXPECT_EQ(pool_.changed(id(0)), Change::kWeight);
  EXPECT_EQ(spread(400)[0], 300);
}

TEST_F(ChangesTest, WhatWasChangedOutlivesAConfigurationThatSaysNothingNew) {
  pool_.change(id(0), {.fields = Change::kWeight | Change::kDrainingFlag,
                       .to = {.weight = 3, .flags = kDraining}});
  configure(0, 1);
  EXPECT_EQ(pool_.settings(id(0)).weight, 3U);
  EXPECT_EQ(pool_.settings(id(0)).flags, kDraining);
  EXPECT_EQ(spread(10)[0], 0);
}

TEST_F(ChangesTest, AConfigurationThatSaysSomethingElseIsTheNewestWordOnThatSettingAlone) {
  pool_.change(
      id(0), {.fields = Change::kWeight | Change::kDownFlag, .to = {.weight = 3, .flags = kDown}});
  configure(0, 2);
  EXPECT_EQ(pool_.settings(id(0)).weight, 2U);
  EXPECT_EQ(pool_.settings(id(0)).flags, kDown);
  EXPECT_EQ(pool_.changed(id(0)), Change::kDownFlag);
}

TEST_F(ChangesTest, WhereAServerIsStaysUntilTheLocalityIsAnother) {
  pool_.change(id(0), {.fields = Change::kRemoteFlag, .to = {.flags = kRemote}});
  configure(0, 1);
  EXPECT_EQ(pool_.settings(id(0)).flags, kRemote);
  configure(0, 1, kRemote);
  EXPECT_EQ(pool_.changed(id(0)), 0U);
  pool_.change(id(0), {.fields = Change::kRemoteFlag});
  EXPECT_EQ(pool_.settings(id(0)).flags, 0U);
  pool_.change(id(0), {.undone = Change::kRemoteFlag});
  EXPECT_EQ(pool_.settings(id(0)).flags, kRemote);
}

TEST_F(ChangesTest, UndoneIsAsConfigured) {
  configure(0, 2, kDown);
  pool_.change(id(0), {.fields = Change::kWeight | Change::kDownFlag, .to = {.weight = 9}});
  EXPECT_EQ(pool_.settings(id(0)).flags, 0U);
  pool_.change(id(0), {.undone = Change::kDownFlag});
  EXPECT_EQ(pool_.settings(id(0)).flags, kDown);
  EXPECT_EQ(pool_.settings(id(0)).weight, 9U);
  pool_.change(id(0), {.undone = Change::kWeight});
  EXPECT_EQ(pool_.settings(id(0)).weight, 2U);
  EXPECT_EQ(pool_.changed(id(0)), 0U);
}

TEST_F(ChangesTest, WhoIsUpAgainStartsUnknown) {
  pool_.change(id(0), {.fields = Change::kDownFlag, .to = {.flags = kDown}});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(pick().member, 1U);
  pool_.change(id(0), {.fields = Change::kDownFlag});
  EXPECT_FALSE(view(0).known);
  EXPECT_GT(spread(10)[0], 0);
}

TEST_F(ChangesTest, APoolThatIsMadeAnewFromAnotherKeepsWhatWasChangedAndWhatWasConfigured) {
  configure(0, 2);
  pool_.change(id(0), {.fields = Change::kWeight, .to = {.weight = 5}});
  Memory memory(Pool::bytes_for(4));
  Pool to;
  ASSERT_TRUE(Pool::create(memory.span(), 4, to).ok());
  ASSERT_TRUE(to.migrate(pool_).ok());
  const EndpointId moved = to.find(pool_.endpoint_name(id(0)));
  EXPECT_EQ(to.settings(moved).weight, 5U);
  EXPECT_EQ(to.configured(moved).weight, 2U);
  EXPECT_EQ(to.changed(moved), Change::kWeight);
}

TEST_F(ChangesTest, APlaceThatAnotherNameHasIsChangedNoMore) {
  pool_.change(id(0), {.fields = Change::kWeight, .to = {.weight = 5}});
  pool_.retire(id(0));
  std::vector<EndpointId> others;
  EndpointId again = kNoEndpoint;
  for (int i = 0; i < 7 && again == kNoEndpoint; ++i) {
    const EndpointId other = pool_.add("other" + std::to_string(i));
    if (other == id(0)) again = other;
  }
  ASSERT_NE(again, kNoEndpoint);
  EXPECT_EQ(pool_.changed(again), 0U);
}

TEST_F(ChangesTest, AnotherMembershipIsAChangeToo) {
  const std::uint32_t before = pool_.membership();
  pool_.renew_membership();
  EXPECT_NE(pool_.membership(), before);
  EXPECT_EQ(pool_.changes(), 1U);
}

TEST_F(ChangesTest, AnEndpointThatIsNoneIsNotChanged) {
  pool_.change(EndpointId{8}, {.fields = Change::kWeight, .to = {.weight = 5}});
  EXPECT_EQ(pool_.changes(), 0U);
}

}  // namespace
}  // namespace leastwise
