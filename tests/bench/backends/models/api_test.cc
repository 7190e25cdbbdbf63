#include "bench/backends/models/api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "bench/common/usage_error.h"

namespace leastwise::bench {
namespace {

using nlohmann::json;

Completion chat(const json& request) { return parse_completion(true, request.dump()); }

json said(const std::string& role, const json& content) {
  return {{"role", role}, {"content", content}};
}

std::size_t shared_blocks(const sim::Text& a, const sim::Text& b) {
  const auto one = a.blocks(), two = b.blocks();
  std::size_t n = 0;
  while (n < std::min(one.size(), two.size()) && one[n] == two[n]) ++n;
  return n;
}

// What is between "data: " and the end of each event.
std::vector<std::string> data_of(const std::string& bytes) {
  std::vector<std::string> all;
  for (std::size_t at = 0; (at = bytes.find("data: ", at)) != std::string::npos;) {
    at += 6;
    all.push_back(bytes.substr(at, bytes.find("\n\n", at) - at));
  }
  return all;
}

TEST(ModelApi, ReadsAChat) {
  const Completion completion = chat({{"model", "m"},
                                      {"messages", {said("system", "a"), said("user", "b")}},
                                      {"stream", true},
                                      {"stream_options", {{"include_usage", true}}},
                                      {"max_tokens", 5}});
  EXPECT_TRUE(completion.is_chat && completion.streams && completion.says_usage);
  EXPECT_EQ(completion.model, "m");
  EXPECT_EQ(completion.max_tokens, 5U);
  EXPECT_EQ(completion.prompt, "<|system|>\na<|end|>\n<|user|>\nb<|end|>\n<|assistant|>\n");
}

TEST(ModelApi, PartsOfAMessageAndListsOfPromptsAreOneText) {
  const json parts = {{{"type", "text"}, {"text", "a"}}, {{"type", "text"}, {"text", "b"}}};
  EXPECT_EQ(chat({{"messages", {said("user", parts)}}}).prompt,
            chat({{"messages", {said("user", "ab")}}}).prompt);
  EXPECT_EQ(parse_completion(false, R"({"prompt":["a","b"]})").prompt, "ab");
}

TEST(ModelApi, SaysWhatItRefuses) {
  for (const char* body :
       {"", "{", "[]", "7", "\xff", "{}", R"({"messages":[]})", R"({"messages":7})",
        R"({"messages":[7]})", R"({"messages":[{"role":7}]})",
        R"({"messages":[{"role":"user","content":7}]})",
        R"({"messages":[{"role":"user","content":[[]]}]})",
        R"({"messages":[{"role":"user"}],"max_tokens":0})",
        R"({"messages":[{"role":"user"}],"max_tokens":-1})",
        R"({"messages":[{"role":"user"}],"max_tokens":1e99})",
        R"({"messages":[{"role":"user"}],"max_tokens":"many"})"}) {
    EXPECT_THROW(parse_completion(true, body), UsageError) << body;
  }
  EXPECT_THROW(parse_completion(false, R"({"prompt":{"a":"b"}})"), UsageError);
  EXPECT_THROW(parse_completion(true, std::string(1'000'000, '[')), UsageError);
}

TEST(ModelApi, WhatWasAnsweredIsTheBeginningOfTheNextTurn) {
  const std::string system(1000, 's');
  json messages = {said("system", system), said("user", "first")};
  const Completion first = chat({{"messages", messages}});
  const std::string answer = answer_text(7, 100);
  messages.push_back(said("assistant", answer));
  messages.push_back(said("user", "second"));
  const Completion second = chat({{"messages", messages}});
  const sim::Text whole = text_of(first, answer);
  EXPECT_EQ(whole.bytes(), first.prompt.size() + 400);
  EXPECT_EQ(shared_blocks(whole, text_of(second)), whole.blocks().size());
}

TEST(ModelApi, NothingIsSharedBetweenModelsOrSalts) {
  const std::string prompt(640, 'x');
  const auto text = [&](const json& more) {
    json request = {{"prompt", prompt}};
    request.update(more);
    return text_of(parse_completion(false, request.dump()));
  };
  EXPECT_EQ(shared_blocks(text({{"model", "a"}}), text({{"model", "a"}})), 10U);
  EXPECT_EQ(shared_blocks(text({{"model", "a"}}), text({{"model", "b"}})), 0U);
  EXPECT_EQ(shared_blocks(text({{"cache_salt", "a"}}), text({{"cache_salt", "b"}})), 0U);
}

TEST(ModelApi, EventsAreChunksOfWhatTheWholeAnswerHas) {
  Completion completion = chat({{"messages", {said("user", "b")}}, {"model", "m"}});
  completion.says_usage = true;
  std::string bytes;
  for (std::uint32_t i = 0; i < 3; ++i) bytes += token_event(completion, 9, i, i == 2);
  const std::string first = token_event(completion, 9, 0, false);
  const std::size_t size = std::stoul(first, nullptr, 16);
  EXPECT_EQ(first.size(), first.find("\r\n") + 2 + size + 2);
  const Usage usage{40, 16, 3};
  const auto events = data_of(bytes + last_events(completion, 9, usage));
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[4], "[DONE]");
  std::string text;
  for (std::size_t i = 0; i < 3; ++i) {
    text += json::parse(events[i])["choices"][0]["delta"]["content"].get<std::string>();
  }
  const json whole = json::parse(whole_answer(completion, 9, usage));
  EXPECT_EQ(whole["choices"][0]["message"]["content"], text);
  EXPECT_EQ(text, answer_text(9, 3));
  EXPECT_EQ(whole["usage"], json::parse(events[3])["usage"]);
  EXPECT_EQ(whole["usage"]["prompt_tokens_details"]["cached_tokens"], 16);
}

}  // namespace
}  // namespace leastwise::bench
