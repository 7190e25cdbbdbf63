#include "bench/backends/models/replica.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

// A step takes 8 ms, 0.1 ms for each token that is read, and 0.05 ms for each answer that is
// written.
constexpr double kStep = 8, kRead = 0.1, kWrite = 0.05;

Time at(double ms) { return Time(from_ms(ms)); }

// Time is moved from step to step; notes when each answer's tokens came, in ms.
class Replicas : public testing::Test {
 protected:
  void ask(std::uint64_t number, const std::string& prompt, std::uint32_t max_tokens = 4,
           const std::string& model = "m") {
    Completion completion = parse_completion(false, R"({"model":")" + model + R"(","prompt":""})");
    completion.prompt = prompt;
    completion.max_tokens = max_tokens;
    replica_.arrive({}, true, number, completion, now_);
  }
  void run_until(double ms) {
    while (replica_.next_due() && *replica_.next_due() <= at(ms)) {
      now_ = *replica_.next_due();
      replica_.run(now_, [&](const Replica::Live& live, std::uint32_t token) {
        EXPECT_EQ(token, tokens_[live.number].size());
        tokens_[live.number].push_back(to_ms(now_.time_since_epoch()));
        cached_[live.number] = live.usage().cached_tokens;
      });
    }
    now_ = at(ms);
  }
  double first(std::uint64_t number) { return tokens_[number].at(0); }
  double metric(const std::string& name) {
    const std::string text = replica_.metrics(), line = "\nvllm:" + name + "{model_name=\"m\"} ";
    return std::stod(text.substr(text.find(line) + line.size()));
  }

  Replica replica_{10'000, 1};
  Time now_ = at(0);
  std::map<std::uint64_t, std::vector<double>> tokens_;
  std::map<std::uint64_t, std::uint32_t> cached_;
};

std::string text(char letter, std::size_t tokens) { return std::string(tokens * 4, letter); }

TEST_F(Replicas, TheFirstTokenComesWhenThePromptIsReadAndOneWithEachStepThen) {
  ask(1, text('a', 1000), 3);
  run_until(1000);
  ASSERT_EQ(tokens_[1].size(), 3U);
  EXPECT_NEAR(tokens_[1][0], kStep + 1000 * kRead, 1e-6);
  EXPECT_NEAR(tokens_[1][1], tokens_[1][0] + kStep + kWrite, 1e-6);
  EXPECT_NEAR(tokens_[1][2], tokens_[1][1] + kStep + kWrite, 1e-6);
  EXPECT_FALSE(replica_.next_due());
}

TEST_F(Replicas, ALongPromptIsReadInChunksOf2048TokensBesideAnswers) {
  ask(1, text('a', 16), 20);
  run_until(10);
  const double begun = first(1);
  ask(2, text('b', 5000));
  run_until(2000);
  // The step that runs when it comes, then three with a token of the other answer in each: 2047,
  // 2047 and 906 tokens.
  EXPECT_NEAR(first(2), begun + (kStep + kWrite) + 3 * (kStep + kWrite) + 5000 * kRead, 1e-6);
  EXPECT_NEAR(tokens_[1][2] - tokens_[1][1], kStep + kWrite + 2047 * kRead, 1e-6);
}

TEST_F(Replicas, PromptsThatFitIntoAStepAreReadTogether) {
  ask(1, text('a', 16), 2);
  ask(2, text('b', 500));
  ask(3, text('c', 500));
  run_until(1000);
  EXPECT_NEAR(first(2), first(1) + kStep + 1000 * kRead + kWrite, 1e-6);
  EXPECT_EQ(first(2), first(3));
}

TEST_F(Replicas, WhatBeginsLikeAnEarlierPromptIsReadFromThereOn) {
  ask(1, text('a', 1600));
  run_until(1000);
  ask(2, text('a', 1600) + text('b', 100));
  run_until(2000);
  EXPECT_EQ(cached_[1], 0U);
  EXPECT_EQ(cached_[2], 1600U);
  EXPECT_NEAR(first(2), 1000 + kStep + 100 * kRead, 1e-6);
}

TEST_F(Replicas, AnswersAreCachedBehindTheirPrompts) {
  ask(1, text('a', 160), 32);
  run_until(1000);
  ask(2, text('a', 160) + answer_text(1, 32) + text('b', 64));
  run_until(2000);
  EXPECT_EQ(cached_[2], 192U);
}

TEST_F(Replicas, AnotherModelSharesNothing) {
  ask(1, text('a', 1600));
  run_until(1000);
  ask(2, text('a', 1600), 4, "n");
  run_until(2000);
  EXPECT_EQ(cached_[2], 0U);
}

TEST_F(Replicas, TheLongestUnusedIsForgottenWhenThereIsNoRoom) {
  for (std::uint64_t i = 0; i < 3; ++i) {
    ask(i, text(static_cast<char>('a' + i), 4000));  // the third has no room beside both
    run_until(1000.0 * double(i + 1));
  }
  ask(7, text('b', 4000));
  run_until(4000);
  EXPECT_EQ(cached_[7], 4000U);
  ask(8, text('a', 4000));
  run_until(5000);
  // What the others left of the first: 625 blocks, of them 250 for each and one for an answer.
  EXPECT_EQ(cached_[8], 124U * 16);
}

TEST_F(Replicas, WhatTheCacheCanNeverHoldIsRefused) {
  EXPECT_THROW(ask(1, text('a', 10'001)), UsageError);
  EXPECT_THROW(ask(2, text('a', 9000), 4000), UsageError);
  EXPECT_FALSE(replica_.next_due());
}

TEST_F(Replicas, MetricsSayWhoWaitsWhoRunsAndWhatIsInUse) {
  EXPECT_EQ(metric("num_requests_running"), 0);
  ask(1, text('a', 4000), 10);
  ask(2, text('b', 4000), 10);
  ask(3, text('c', 4000), 10);  // has no room beside them
  EXPECT_EQ(metric("num_requests_running"), 1);
  EXPECT_EQ(metric("num_requests_waiting"), 2);
  EXPECT_NEAR(metric("kv_cache_usage_perc"), 0.4, 1e-6);
  run_until(840);  // both are read
  EXPECT_EQ(metric("num_requests_running"), 2);
  EXPECT_EQ(metric("num_requests_waiting"), 1);
  EXPECT_NEAR(metric("kv_cache_usage_perc"), 0.8, 1e-6);
  run_until(5000);
  EXPECT_EQ(metric("num_requests_running"), 0);
  EXPECT_EQ(metric("num_requests_waiting"), 0);
  EXPECT_EQ(metric("kv_cache_usage_perc"), 0);
  EXPECT_EQ(metric("prompt_tokens_total"), 12'000);
  EXPECT_EQ(metric("generation_tokens_total"), 30);
  ask(4, text('c', 1600));
  run_until(6000);
  EXPECT_EQ(metric("prefix_cache_queries_total"), 13'600);
  EXPECT_EQ(metric("prefix_cache_hits_total"), 1600);
}

TEST_F(Replicas, ASlowOneTakesLongerForEverything) {
  replica_ = Replica(10'000, 2.5);
  ask(1, text('a', 1000), 2);
  run_until(1000);
  EXPECT_NEAR(tokens_[1][0], 2.5 * (kStep + 1000 * kRead), 1e-6);
  EXPECT_NEAR(tokens_[1][1] - tokens_[1][0], 2.5 * (kStep + kWrite), 1e-6);
}

TEST_F(Replicas, ALateTimerDoesNotDelayTheStepsBehind) {
  ask(1, text('a', 1000), 3);
  replica_.run(at(112), [](const Replica::Live&, std::uint32_t) {});  // 4 ms late
  ASSERT_TRUE(replica_.next_due());
  EXPECT_NEAR(to_ms(replica_.next_due()->time_since_epoch()), 116.05, 1e-6);
}

}  // namespace
}  // namespace leastwise::bench
