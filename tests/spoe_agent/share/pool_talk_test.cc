// What is asked of Redis for one pool, by answers that are made up.
#include "share/pool_talk.h"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <stdexcept>

namespace leastwise::agent {
namespace {

const std::string kOwn(16, 'a');

Redis::Reply reply_of(const std::string& resp) {
  const std::unique_ptr<redisReader, Redis::Free> reader(::redisReaderCreate());
  ::redisReaderFeed(reader.get(), resp.data(), resp.size());
  void* reply = nullptr;
  if (::redisReaderGetReply(reader.get(), &reply) != REDIS_OK) throw std::runtime_error("no RESP");
  return Redis::Reply(static_cast<redisReply*>(reply));
}

std::string text(const std::string& value) {
  return "$" + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}

// A Redis with a set of ids, and the same report under each of them.
class Talk : public testing::Test {
 protected:
  std::vector<Redis::Command> round(std::int64_t ms) {
    const TimePoint now = kStart + std::chrono::milliseconds(ms);
    std::vector<Redis::Command> commands;
    talk_.ask({}, now, commands);
    std::vector<Redis::Reply> replies;
    for (const Redis::Command& c : commands) replies.push_back(reply_of(answer(c)));
    talk_.take(replies, now, counters_);
    return commands;
  }
  bool reads(std::int64_t ms) { return count(round(ms), "SRANDMEMBER") > 0; }
  static std::ptrdiff_t count(const std::vector<Redis::Command>& commands, const char* name) {
    return std::ranges::count_if(commands, [name](const auto& c) { return c[0] == name; });
  }

  static constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));
  std::vector<std::string> ids_;
  ShareCounters counters_;

 private:
  std::string answer(const Redis::Command& command) {
    if (command[0] == "SREM") std::erase(ids_, command[2]);
    if (command[0] == "GETRANGE") return text(sharing::encode({.life = 1, .number = 1}));
    if (command[0] != "SRANDMEMBER") return ":1\r\n";
    std::string all = "*" + std::to_string(ids_.size()) + "\r\n";
    for (const std::string& id : ids_) all += text(id);
    return all;
  }

  PoolTalk talk_{"p", "app", kOwn, 7};
};

TEST_F(Talk, AsksForIdsOnlyAndTakesTheRestOutOfTheSet) {
  const std::string good = "0123456789abcdef";
  ids_ = {kOwn, good, "", "other", good + "0", "0123456789ABCDEF", "0123456789abcde:"};
  round(0);
  EXPECT_EQ(counters_.refused.get(), 5U);
  const std::vector<Redis::Command> next = round(100);
  EXPECT_EQ(count(next, "GETRANGE"), 1);
  EXPECT_EQ(count(next, "SREM"), 5);
  EXPECT_EQ(counters_.heard.get(), 1U);
  EXPECT_EQ(ids_, (std::vector<std::string>{kOwn, good}));
}

// 255 of 10 KB are 2.6 MB, of which 27 go at a time: 26 have less than 256 KiB.
TEST_F(Talk, ReadsASetOfLongIdsOnceASecondUntilTheyAreOut) {
  for (int i = 0; i < 255; ++i) ids_.push_back(std::to_string(1000 + i) + std::string(9996, 'x'));
  EXPECT_TRUE(reads(0));
  for (int ms = 100; ms < 1000; ms += 100) EXPECT_FALSE(reads(ms)) << ms;
  EXPECT_EQ(ids_.size(), 255U - 27U);
  for (int second = 1; second < 10; ++second) EXPECT_TRUE(reads(1000 * second)) << second;
  round(9100);
  EXPECT_TRUE(ids_.empty());
  EXPECT_EQ(counters_.heard.get(), 0U);
}

// 40 ids have 640 bytes, and so 21 ms; 40 answers have 40 × (10 + 16 + 24 + 64), and so 152 ms.
TEST_F(Talk, ReadsWhoIsNewInTheNextRound) {
  for (int i = 0; i < 40; ++i) ids_.push_back(std::to_string(1000000000000000 + i));
  EXPECT_TRUE(reads(0));
  EXPECT_TRUE(reads(100));
  EXPECT_FALSE(reads(200));
  EXPECT_TRUE(reads(300));
  ids_.emplace_back(16, 'b');
  EXPECT_FALSE(reads(400));
  EXPECT_TRUE(reads(500));
  EXPECT_TRUE(reads(600));
}

}  // namespace
}  // namespace leastwise::agent
