#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/pool_fixture.h"
#include "leastwise/residency.h"

namespace leastwise {
namespace {

Prompt prompt_of(std::string_view text) {
  PromptDigester digester(7);
  digester.add(text);
  return digester.finish();
}

std::string text_of(std::size_t bytes, std::uint64_t seed) {
  Rng rng(seed);
  std::string text(bytes, ' ');
  for (char& c : text) c = static_cast<char>('a' + rng.below(26));
  return text;
}

class InferenceTest : public PoolFixture {
 protected:
  static constexpr std::size_t kResidency = 1 << 20;

  void SetUp() override { use("inference"); }

  void make(std::size_t servers, std::size_t residency = kResidency) {
    memory_ = Memory(Pool::bytes_for(16, residency));
    ASSERT_TRUE(Pool::create(memory_.span(), 16, pool_, residency).ok());
    slot_ = pool_.join({.pid = 1}, everybody_lives);
    members_.clear();
    for (std::size_t i = 0; i < servers; ++i) {
      const EndpointId id = pool_.add("10.0.0." + std::to_string(i) + ":80");
      pool_.configure(id, {});
      members_.push_back({.id = id});
    }
    picker_memory_ = Memory(Picker::bytes_for(members_.size()));
    ASSERT_TRUE(Picker::create(pool_, slot_, members_, picker_memory_.span(), 1, picker_).ok());
  }

  Ticket send(const Prompt* prompt) {
    Tried tried;
    return picker_.pick(config_, {.in_flight = {}, .prompt = prompt}, tried, now_);
  }
  Ticket send(std::string_view text) {
    const Prompt prompt = prompt_of(text);
    return send(&prompt);
  }
  // Reads at `pace` seconds a byte, and answers.
  void answer(Ticket& ticket, double pace = 2.5e-5) {
    now_ += Duration(static_cast<std::int64_t>(1e6 * pace * ticket.uncached_bytes) + 1000);
    picker_.first_token(ticket, now_);
    now_ += std::chrono::milliseconds(10);
    finish(ticket);
  }
};

TEST_F(InferenceTest, TheNextTurnOfAChatGoesWhereTheOneBeforeWas) {
  make(8);
  for (std::uint64_t chat = 0; chat < 50; ++chat) {
    std::string text = text_of(3000, chat);
    Ticket first = send(text);
    answer(first);
    text += text_of(600, chat + 1000);
    Ticket next = send(text);
    EXPECT_EQ(next.member, first.member) << chat;
    // 256 · 1.25^11 = 2980, and one of the 62 parts of the 745 to the next point.
    EXPECT_EQ(next.prompt_bytes, 3600U);
    EXPECT_EQ(next.uncached_bytes, 608U);
    answer(next);
  }
}

TEST_F(InferenceTest, AServerWithMuchToReadIsLeftEvenByWhoIsCachedThere) {
  make(2);
  const std::string text = text_of(3000, 1);
  Ticket first = send(text);
  answer(first);
  // 200 KB wait there, five seconds; to read these 3 KB anew takes less than 0.1 s.
  for (std::uint64_t i = 0; i < 4; ++i) {
    const Prompt prompt = prompt_of(text_of(50000, 100 + i));
    const Request request{.in_flight = {}, .prompt = &prompt};
    ASSERT_TRUE(picker_.adopt(config_, request, first.member, now_));
  }
  EXPECT_NE(send(text).member, first.member);
}

// A prompt every 50 ms; the slow one needs 400 ms for each, the other 100 ms. Each reads one after
// the other.
TEST_F(InferenceTest, WhatASlowServerIsGivenIsLess) {
  make(2);
  std::vector<int> hits(2);
  std::array<std::deque<std::pair<TimePoint, Ticket>>, 2> reading;
  const std::array<Duration, 2> takes{std::chrono::milliseconds(400),
                                      std::chrono::milliseconds(100)};
  for (std::uint64_t i = 0; i < 400; ++i) {
    now_ += std::chrono::milliseconds(50);
    for (auto& queue : reading) {
      for (; !queue.empty() && queue.front().first <= now_; queue.pop_front()) {
        picker_.first_token(queue.front().second, queue.front().first);
        picker_.finish(config_, queue.front().second,
                       {.status = 200, .occupied = now_ - queue.front().second.start}, now_);
      }
    }
    const Ticket t = send(text_of(4000, i));
    auto& queue = reading[t.member];
    const TimePoint from = queue.empty() ? now_ : queue.back().first;
    queue.emplace_back(from + takes[t.member], t);
    ++hits[t.member];
  }
  EXPECT_GT(hits[1], hits[0] * 5 / 2);
}

TEST_F(InferenceTest, WithoutAPromptAllAreUsed) {
  make(4);
  std::vector<int> hits(4);
  for (int i = 0; i < 40; ++i) ++hits[send(nullptr).member];
  EXPECT_EQ(hits, (std::vector<int>{10, 10, 10, 10}));
}

TEST_F(InferenceTest, WithoutItsMemoryItGoesByCounts) {
  make(4, 0);
  std::vector<int> hits(4);
  for (std::uint64_t i = 0; i < 40; ++i) ++hits[send(text_of(4000, i)).member];
  EXPECT_EQ(hits, (std::vector<int>{10, 10, 10, 10}));
}

TEST_F(InferenceTest, AServerThatWasDownHasNothingCached) {
  make(4);
  const std::string text = text_of(20000, 1);
  Ticket first = send(text);
  answer(first);
  for (int i = 0; i < 3; ++i) tick();
  pool_.configure(first.id, {.flags = kDown});
  Ticket meanwhile = send(text);
  EXPECT_NE(meanwhile.member, first.member);
  answer(meanwhile);
  pool_.configure(first.id, {});
  now_ += std::chrono::seconds(1);
  tick();
  const Ticket again = send(text);
  EXPECT_EQ(again.member, meanwhile.member);
}

TEST_F(InferenceTest, WhoRefusesConnectionsHasNothingCached) {
  make(2);
  const std::string text = text_of(20000, 1);
  Ticket first = send(text);
  answer(first);
  Ticket refused = send(text);
  ASSERT_EQ(refused.member, first.member);
  now_ += std::chrono::seconds(1);
  finish(refused, Result::kRefused);
  now_ += std::chrono::seconds(100);
  EXPECT_EQ(send(text).uncached_bytes, 20000U);
}

TEST_F(InferenceTest, WhatWasSentLongAgoIsForgotten) {
  make(1);
  const std::string text = text_of(20000, 1);
  Ticket first = send(text);
  answer(first);
  EXPECT_LT(send(text).uncached_bytes, 5000U);
  for (std::uint64_t i = 2; i < 60; ++i) {  // 1.2 MB, more than twice what it is taken to keep
    Ticket other = send(text_of(20000, i));
    answer(other);
  }
  EXPECT_EQ(send(text).uncached_bytes, 20000U);
}

// An eighth of the room is 16,384 tokens, of 240 bytes each in a stream.
TEST_F(InferenceTest, AnswersDriveOutPromptsToo) {
  make(1);
  const std::string text = text_of(20000, 1);
  for (const std::uint64_t tokens : {1U, 16'400U}) {
    Ticket first = send(text);
    answer(first);
    for (int i = 0; i < 12; ++i) {
      Ticket other = send("hello");
      now_ += std::chrono::seconds(1);
      picker_.first_token(other, now_);
      picker_.finish(config_, other, {.status = 200, .bytes_received = 240 * tokens}, now_);
    }
    EXPECT_EQ(send(text).uncached_bytes, tokens == 1 ? 512U : 20000U);
  }
}

// What prompts are remembered in is behind all else.
TEST_F(InferenceTest, InDamagedMemoryAMemberIsPicked) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    make(4);
    Rng rng(seed);
    const std::span<std::byte> tail = memory_.span().subspan(Pool::bytes_for(16));
    for (int i = 0; i < 20000; ++i) {
      tail[rng.below(i % 2 == 0 ? 4096 : static_cast<std::uint32_t>(tail.size()))] =
          static_cast<std::byte>(rng.next());
    }
    for (std::uint64_t i = 0; i < 200; ++i) {
      Ticket t = send(text_of(3000, i % 50));
      ASSERT_LT(t.member, 4U);
      ASSERT_LE(t.uncached_bytes, t.prompt_bytes);
      answer(t);
    }
  }
}

// 800 prompts of 12 beginnings each, over 16,384 places and over 262,144. One is forgotten when two
// later ones fall into its set: of the first prompts' longest beginnings that is to be expected of
// 1 - e^-a (1 + a), a = 9600/8192: 33 %, and with a = 9600/131072 of 0.3 %.
TEST_F(InferenceTest, WithMoreMemoryMoreIsRemembered) {
  const auto forgotten = [&](std::string_view size) {
    EXPECT_TRUE(set(config_, *find_directive("prompt_memory"), size).ok());
    make(8, residency_of(config_));
    for (std::uint64_t i = 0; i < 800; ++i) {
      Ticket t = send(text_of(3000, i));
      answer(t);
    }
    int n = 0;
    for (std::uint64_t i = 0; i < 100; ++i) {
      Ticket t = send(text_of(3000, i));
      n += t.uncached_bytes > 600 ? 1 : 0;  // 512 at least; up to the point before, 616
      answer(t);
    }
    return n;
  };
  EXPECT_NEAR(forgotten("1m"), 33, 15);
  EXPECT_LE(forgotten("16m"), 3);
}

TEST_F(InferenceTest, WhoAttachesSeesTheMemoryAsItWasMade) {
  for (const std::string_view size : {"1m", "1025k", "64m"}) {
    ASSERT_TRUE(set(config_, *find_directive("prompt_memory"), size).ok());
    make(2, residency_of(config_));
    Pool other;
    ASSERT_TRUE(Pool::attach(memory_.span(), other).ok());
    EXPECT_EQ(other.residency(), config_.prompt_memory.bytes);
  }
  use("adaptive");
  EXPECT_EQ(residency_of(config_), 0U);
}

// As in a file of state, which has no more than what was learned.
TEST_F(InferenceTest, AnImageOfThePoolHasNoPrompts) {
  make(4);
  Ticket t = send(text_of(3000, 1));
  answer(t);
  Memory memory(Pool::bytes_for(16));
  const auto image = pool_.image();
  std::memcpy(memory.span().data(), image.data(), image.size());
  Pool copy;
  ASSERT_TRUE(Pool::attach(memory.span(), copy).ok());
  EXPECT_FALSE(copy.has_residency());
  Pool whole;
  ASSERT_TRUE(Pool::attach(memory_.span(), whole).ok());
  EXPECT_TRUE(whole.has_residency());
}

// "Too long", at once: any client can have that said as often as it likes.
TEST_F(InferenceTest, WhoRefusesPromptsAtOnceIsNotTakenToReadFast) {
  make(3);
  const auto serve = [&](std::uint64_t seed) {
    Ticket t = send(text_of(8000, seed));
    answer(t);
    return t;
  };
  for (std::uint64_t i = 0; i < 60; ++i) serve(i);
  const float expected = serve(60).first_token;
  std::vector<int> refused(3), hits(3);
  for (std::uint64_t i = 0; i < 30; ++i) {
    const Ticket t = send(text_of(900000, 100 + i));
    now_ += std::chrono::milliseconds(2);
    picker_.finish(
        config_, t,
        {.status = 400, .kind = AnswerKind::kRefusal, .occupied = std::chrono::milliseconds(2)},
        now_);
    ++refused[t.member];
  }
  for (std::uint64_t i = 0; i < 90; ++i) {
    const Ticket t = serve(200 + i);
    EXPECT_NEAR(t.first_token, expected, 0.1F * expected);
    ++hits[t.member];
  }
  EXPECT_GT(*std::ranges::min_element(refused), 0);
  EXPECT_GE(*std::ranges::min_element(hits), 20);
}

TEST_F(InferenceTest, APromptThatWasRefusedDrivesOutNothing) {
  make(1);
  const std::string text = text_of(20000, 1);
  Ticket first = send(text);
  answer(first);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const Ticket t = send(text_of(900000, 100 + i));
    picker_.finish(config_, t, {.status = 400, .kind = AnswerKind::kRefusal}, now_);
  }
  EXPECT_EQ(send(text).uncached_bytes, 512U);
}

// 30 ms each, whatever there is to read.
TEST_F(InferenceTest, ShortPromptsDoNotMakeALongOneSeemToTakeAges) {
  make(2);
  for (std::uint64_t i = 0; i < 40; ++i) {
    Ticket t = send(text_of(30, i));
    now_ += std::chrono::milliseconds(30);
    picker_.first_token(t, now_);
    finish(t);
  }
  EXPECT_LT(send(text_of(30000, 1000)).first_token, 1);
}

TEST_F(InferenceTest, AFirstTokenThatNobodySawIsTakenFromTheEnd) {
  make(2);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Ticket t = send(text_of(4000, i));
    now_ += std::chrono::milliseconds(100);
    finish(t);
  }
  const Ticket t = send(text_of(4000, 1000));
  EXPECT_NEAR(t.first_token, 0.1, 0.02);
}

}  // namespace
}  // namespace leastwise
