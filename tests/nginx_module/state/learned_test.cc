#include "state/learned.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "core/pool_fixture.h"

namespace leastwise::nginx {
namespace {

using namespace std::chrono_literals;

class LearnedTest : public PoolFixture {
 protected:
  // Three servers, of which the last takes ten times as long.
  void SetUp() override {
    use("adaptive");
    make({1, 1, 1});
    for (int i = 0; i < 300; ++i) {
      const Ticket t = pick();
      const Duration took = t.member == 2 ? 50ms : 5ms;
      now_ += took;
      finish(t, Result::kOk, took);
      if (i % 10 == 0) tick();
    }
    ASSERT_TRUE(view(2).known);
    ASSERT_GT(view(2).slowness, 3 * view(0).slowness);
    ASSERT_TRUE(write_learned(pool_, at(), content_));
  }
  Moment at() const { return {now_, now_.time_since_epoch().count() + kOffset}; }

  // A pool after a restart, with servers a and c, and one at another address.
  void restart() {
    memory_ = Memory(Pool::bytes_for(16));
    ASSERT_TRUE(Pool::create(memory_.span(), 16, pool_).ok());
    for (Member& m : members_) {
      const auto i = static_cast<std::size_t>(&m - members_.data());
      m.id = pool_.add("http/test/10.0.0." + std::to_string(i == 1 ? 77 : i) + ":80");
      pool_.configure(m.id, {});
    }
  }

  static constexpr std::int64_t kOffset = 1'764'400'000'000'000;
  std::string content_;
};

TEST_F(LearnedTest, WhatWasLearnedOfEachAddressIsThereAgain) {
  const float slow = view(2).slowness, quick = view(0).slowness;
  const std::uint64_t picks = view(2).picks;
  restart();
  ASSERT_FALSE(view(2).known);
  ASSERT_TRUE(read_learned(content_, at(), pool_).ok());
  EXPECT_TRUE(view(2).known);
  EXPECT_NEAR(view(2).slowness, slow, 0.01 * slow);
  EXPECT_NEAR(view(0).slowness, quick, 0.01 * quick);
  EXPECT_EQ(view(2).picks, picks);
  EXPECT_FALSE(view(1).known) << "another address";
  EXPECT_EQ(pool_.endpoints(), 3U);
  EXPECT_TRUE(pool_.view().learned);
}

TEST_F(LearnedTest, IsAgedByTheTimeAway) {
  const float before = view(2).evidence;
  restart();
  now_ += config_.decay;
  ASSERT_TRUE(read_learned(content_, at(), pool_).ok());
  EXPECT_NEAR(view(2).evidence, before * std::exp(-1.0F), 0.02F * before);
  now_ += 50 * config_.decay;
  tick();
  EXPECT_FALSE(view(2).known);
}

TEST_F(LearnedTest, SettingsAreThoseOfNow) {
  pool_.change(members_[0].id, {.fields = Change::kWeight, .to = {.weight = 9}});
  pool_.eject(members_[2].id, 60s, now_);
  ASSERT_TRUE(write_learned(pool_, at(), content_));
  restart();
  pool_.configure(members_[2].id, {.weight = 4});
  pool_.eject(members_[0].id, 30s, now_);
  ASSERT_TRUE(read_learned(content_, at(), pool_).ok());
  EXPECT_EQ(pool_.settings(members_[0].id).weight, 1U);
  EXPECT_EQ(pool_.settings(members_[2].id).weight, 4U);
  EXPECT_EQ(pool_.changed(members_[0].id), 0U);
  EXPECT_EQ(pool_.ejected_by_hand(members_[0].id, now_), 30s);
  EXPECT_FALSE(view(2).ejected) << "that is in the other file";
}

TEST_F(LearnedTest, OfAnotherBootOrOldItIsLeftAlone) {
  restart();
  for (const Moment& other : {Moment{now_ - 1s, at().unix_us},  // the machine's clock began anew
                              Moment{now_ + 5s, at().unix_us + 3'600'000'000},
                              Moment{now_ + 25h, at().unix_us + 25 * 3'600'000'000}}) {
    EXPECT_EQ(read_learned(content_, other, pool_).code(), Status::Code::kOutOfRange);
    EXPECT_FALSE(view(2).known);
  }
}

TEST_F(LearnedTest, DamageIsNoticedWhereverItIs) {
  restart();
  const std::string good = content_;
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{39}, std::size_t{41},
                                 good.size() / 2, good.size() - 1}) {
    EXPECT_EQ(read_learned({good.data(), size}, at(), pool_).code(), Status::Code::kCorrupt);
  }
  for (std::size_t i = 0; i < good.size(); i += good.size() / 997) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    EXPECT_EQ(read_learned(bad, at(), pool_).code(), Status::Code::kCorrupt) << i;
  }
  EXPECT_EQ(read_learned(good + "x", at(), pool_).code(), Status::Code::kCorrupt);
  EXPECT_FALSE(view(2).known);
  EXPECT_TRUE(is_learned(good));
  EXPECT_FALSE(is_learned("root:x:0:0"));
}

}  // namespace
}  // namespace leastwise::nginx
