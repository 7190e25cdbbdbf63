#include "prompts/usage_scanner.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leastwise {
namespace {

constexpr UsageScanner::Form kJson = UsageScanner::Form::kJson;
constexpr UsageScanner::Form kEvents = UsageScanner::Form::kEventStream;

Usage read(UsageScanner::Form form, std::string_view text, std::size_t piece = 0) {
  UsageScanner answer(form);
  if (piece == 0) piece = text.size() + 1;
  for (std::size_t at = 0; at < text.size(); at += piece) answer.read(text.substr(at, piece));
  return answer.usage();
}

void expect(const Usage& usage, std::int64_t prompt, std::int64_t cached) {
  EXPECT_EQ(usage.prompt, prompt);
  EXPECT_EQ(usage.cached, cached);
}

constexpr std::string_view kUsage =
    R"("usage":{"prompt_tokens":900,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":832}})";

TEST(UsageScanner, ReadsUsageOfAJsonBody) {
  const std::string body =
      R"({"choices":[{"message":{"content":"usage"}}],)" + std::string(kUsage) + "}";
  for (const std::size_t piece : {0U, 1U, 5U, 64U}) expect(read(kJson, body, piece), 900, 832);
}

TEST(UsageScanner, ReadsUsageOfTheLastEvent) {
  std::string events = ": ping\n\nevent: x\n";
  for (int i = 0; i < 30; ++i)
    events += R"(data: {"choices":[{"delta":{"content":"a"}}],"usage":null})"
              "\r\n\r\n";
  events += R"(data: {"choices":[],)" + std::string(kUsage) + "}\n\ndata: [DONE]\n\n";
  for (const std::size_t piece : {0U, 1U, 5U, 64U}) expect(read(kEvents, events, piece), 900, 832);
}

TEST(UsageScanner, ReadsOtherApis) {
  expect(
      read(
          kEvents,
          R"(data:{"type":"response.completed","response":{"usage":{"input_tokens":50,"input_tokens_details":{"cached_tokens":40}}}})"
          "\n\n"),
      50, 40);
  expect(
      read(
          kEvents,
          R"(data: {"type":"message_start","message":{"usage":{"input_tokens":7,"cache_read_input_tokens":3}}})"
          "\n"),
      7, 3);
}

TEST(UsageScanner, UsageElsewhereIsNone) {
  expect(read(kJson,
              R"({"choices":[{"usage":{"prompt_tokens":5}}],"a":{"usage":{"prompt_tokens":5}}})"),
         -1, -1);
  expect(read(kJson, R"({"usage":[{"prompt_tokens":5}],"prompt_tokens":4})"), -1, -1);
  expect(read(kJson, R"({"usage":{"prompt_tokens":"5","prompt_tokens_details":null}})"), -1, -1);
  expect(read(kJson,
              R"({"usage":{"prompt_tokens":-5,"prompt_tokens_details":{"cached_tokens":1e3}}})"),
         -1, -1);
  expect(read(kJson, R"({"usage":{"prompt_tokens":18446744073709551615}})"), -1, -1);
}

TEST(UsageScanner, WhatIsNoJsonIsSkippedToTheNextEvent) {
  const std::string events = "data: {{{\ndata: \ndata: {\"usage\":{\"a\":{\ndata: {" +
                             std::string(kUsage) + "}\ndata: " + std::string(100'000, '[') + "\n";
  for (const std::size_t piece : {0U, 1U, 999U}) expect(read(kEvents, events, piece), 900, 832);
  expect(read(kJson, std::string(100'000, '[')), -1, -1);
  expect(read(kJson, "<html>"), -1, -1);
}

TEST(UsageScanner, AStreamBeginsWithItsFirstData) {
  UsageScanner answer(kEvents);
  for (const char* part : {": ping\n\n", "event: ", "data\nretry: 5\n", "dat"}) {
    answer.read(part);
    EXPECT_FALSE(answer.has_begun()) << part;
  }
  answer.read("a: x");
  EXPECT_TRUE(answer.has_begun());
  UsageScanner json(kJson);
  json.read("");
  EXPECT_FALSE(json.has_begun());
  json.read("{");
  EXPECT_TRUE(json.has_begun());
}

}  // namespace
}  // namespace leastwise
