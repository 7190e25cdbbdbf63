#include "prompts/prompt_scanner.h"

#include <malloc.h>

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leastwise {
namespace {

constexpr std::uint64_t kSeed = 7;

// Handed over in pieces of so many bytes; 0: at once.
Prompt read(std::string_view body, std::size_t piece = 0, BodyForm form = BodyForm::kOpenAi) {
  PromptScanner scanner(form, kSeed);
  if (piece == 0) piece = body.size() + 1;
  for (std::size_t at = 0; at < body.size(); at += piece) scanner.read(body.substr(at, piece));
  return scanner.prompt();
}

bool has_prompt(std::string_view body) {
  PromptScanner scanner(BodyForm::kOpenAi, kSeed);
  scanner.read(body);
  return scanner.has_prompt();
}

std::string text(char c, std::size_t n = 3000) { return std::string(n, c); }

std::string chat(const std::string& messages, const std::string& rest = "") {
  return R"({"model":"m","messages":[)" + messages + "]" + rest + "}";
}
std::string message(const std::string& role, const std::string& content) {
  return R"({"role":")" + role + R"(","content":")" + content + R"("})";
}

// Points that both have from the first on.
std::size_t shared(const Prompt& a, const Prompt& b) {
  std::size_t n = 0;
  while (n < a.points && n < b.points && a.digest(n) == b.digest(n)) ++n;
  return n;
}

bool is_same(const Prompt& a, const Prompt& b) {
  return a.points == b.points && a.bytes == b.bytes && a.max_tokens == b.max_tokens &&
         shared(a, b) == a.points;
}

TEST(PromptScanner, FindsThePromptInAnyPieces) {
  const std::string body = chat(message("system", text('s')) + "," + message("user", "h\\u00e4\\n"),
                                R"(,"max_tokens":1234,"stop":["x",{"messages":["no"]}])");
  const Prompt whole = read(body);
  EXPECT_GT(whole.points, 5);
  EXPECT_EQ(whole.max_tokens, 1234u);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 1000U}) {
    EXPECT_TRUE(is_same(whole, read(body, piece))) << piece;
  }
}

TEST(PromptScanner, TurnsOfAChatShareWhatTheyHaveInCommon) {
  const std::string first = message("system", text('s')) + "," + message("user", text('u'));
  const Prompt one = read(chat(first));
  const Prompt two = read(chat(first + "," + message("assistant", text('a'))));
  EXPECT_EQ(shared(one, two), one.points);
  EXPECT_GT(two.points, one.points);
  EXPECT_EQ(shared(one, read(chat(message("user", text('o'))))), 0u);
}

TEST(PromptScanner, SpacesEscapesAndTheOrderOfFieldsMeanNothing) {
  const std::string a = text('a');
  const Prompt plain =
      read(R"({"model":"m","messages":[{"role":"user","content":"/)" + a + R"("}]})");
  EXPECT_TRUE(
      is_same(plain, read(" {\n\"messages\" : [ {\"role\":\"user\", \"content\": \"\\u002f" + a +
                          "\" } ] , \"model\": \"m\"}\n")));
}

TEST(PromptScanner, ModelAndSaltAreKeptApart) {
  const std::string messages = message("user", text('u'));
  const Prompt plain = read(chat(messages));
  const Prompt salted = read(chat(messages, R"(,"cache_salt":"tenant")"));
  const Prompt other = read(chat(messages, R"(,"model":"n")"));  // the last one counts
  EXPECT_EQ(shared(plain, salted), 0u);
  EXPECT_EQ(shared(plain, other), 0u);
  EXPECT_TRUE(
      is_same(plain, read(chat(messages, R"(,"metadata":{"model":"n","cache_salt":"t"})"))));
}

TEST(PromptScanner, ReadsTheFieldsOfEachApi) {
  const std::string a = text('a');
  for (const char* field : {"messages", "prompt", "input", "system", "instructions"}) {
    const std::string quoted = "\"" + a + "\"";
    EXPECT_GT(read("{\"" + std::string(field) + "\":" + quoted + "}").points, 5) << field;
    EXPECT_GT(read("{\"" + std::string(field) + "\":[[{\"text\":" + quoted + "}]]}").points, 5);
  }
  for (const char* field : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    EXPECT_EQ(read("{\"prompt\":\"a\",\"" + std::string(field) + "\":77}").max_tokens, 77u)
        << field;
  }
}

TEST(PromptScanner, TokensCountAsTheyAreWritten) {
  std::string tokens = R"({"prompt":[)";
  for (int i = 0; i < 500; ++i) tokens += (i == 0 ? "" : ",") + std::to_string(1000 + i);
  const Prompt prompt = read(tokens + "]}");
  EXPECT_EQ(prompt.bytes, 500u * 5);
  EXPECT_TRUE(is_same(prompt, read(tokens + "]}", 3)));
}

TEST(PromptScanner, NeighbouringValuesAreNotOne) {
  EXPECT_EQ(read(R"({"prompt":["ab","c"]})").bytes, 5u);
  const std::string a = text('a');
  EXPECT_EQ(shared(read("{\"prompt\":[\"x\",\"" + a + "\"]}"),
                   read("{\"prompt\":[\"xa\",\"" + a + "\"]}")),
            0u);
}

TEST(PromptScanner, OfTheSameFieldTwiceBothCount) {
  const Prompt twice = read(R"({"prompt":"a","prompt":"b","max_tokens":1,"max_tokens":2})");
  EXPECT_EQ(twice.bytes, 4u);
  EXPECT_EQ(twice.max_tokens, 2u);
}

TEST(PromptScanner, WhatIsCutShortHasAPrompt) {
  EXPECT_GT(read(R"({"model":"m","messages":[{"content":")" + text('a')).points, 5);
}

TEST(PromptScanner, WhatIsNoRequestHasNone) {
  for (const std::string_view body : {"",
                                      " ",
                                      "{}",
                                      "{\"prompt\":[]}",
                                      "[]",
                                      "null",
                                      "\"prompt\"",
                                      "{\"prompt\":null}",
                                      "{\"model\":\"m\"}",
                                      R"([{"prompt":"a"}])",
                                      R"({"a":{"prompt":"b"}})",
                                      "GET / HTTP/1.1",
                                      "\xff\xfe",
                                      "prompt=a",
                                      "{'prompt':'a'}",
                                      "{\"prompt\":\"a\",}",
                                      "{\"prompt\":\"a\x01\"}",
                                      "{\"prompt\":\"\\ud800\"}",
                                      "{\"prompt\" \"a\"}",
                                      "{\"prompt\":[\"a\"}}",
                                      "{,}",
                                      "}{"}) {
    EXPECT_FALSE(has_prompt(body)) << body;
  }
  EXPECT_EQ(read("no JSON").bytes, 0u);
}

TEST(PromptScanner, NumbersOutOfAllBounds) {
  EXPECT_EQ(read(R"({"prompt":"a","max_tokens":-5})").max_tokens, 0u);
  EXPECT_EQ(read(R"({"prompt":"a","max_tokens":1e3})").max_tokens, 0u);
  EXPECT_EQ(read(R"({"prompt":"a","max_tokens":99999999999})").max_tokens, 0xffffffffu);
  const std::string digits(1'000'000, '9');
  EXPECT_EQ(read("{\"prompt\":\"a\",\"max_tokens\":" + digits + "}").max_tokens, 0u);
}

TEST(PromptScanner, InvalidUtf8IsDigestedAsItIs) {
  const std::string broken = "{\"prompt\":\"" + text('a') + "\xc3\x28\xf0\x80" + text('b') + "\"}";
  EXPECT_EQ(read(broken).bytes, 6005u);
  EXPECT_TRUE(is_same(read(broken), read(broken, 1)));
}

std::string nested(std::size_t depth, const std::string& inside) {
  return R"({"prompt":)" + std::string(depth, '[') + inside + std::string(depth, ']') + "}";
}

TEST(PromptScanner, DepthIsBounded) {
  EXPECT_TRUE(has_prompt(nested(50, "\"a\"")));
  for (const std::size_t depth : {100U, 10'000U, 1'000'000U}) {
    EXPECT_FALSE(has_prompt(nested(depth, "\"a\""))) << depth;
  }
  std::string objects = R"({"prompt":)";
  for (int i = 0; i < 10'000; ++i) objects += R"({"a":)";
  EXPECT_FALSE(has_prompt(objects));
}

// Bytes that malloc has given out.
std::size_t in_use() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

TEST(PromptScanner, MemoryIsTheSameForAnyBody) {
  const std::string piece(64 << 10, 'x');
  const std::string_view begins[] = {R"({"prompt":")", R"({")", R"({"model":")",
                                     R"({"cache_salt":")", R"({"a":")"};
  for (const std::string_view begin : begins) {
    PromptScanner body(BodyForm::kOpenAi, kSeed);
    body.read(begin);
    body.read(piece);
    const std::size_t before = in_use();
    for (int i = 0; i < 1600; ++i) body.read(piece);  // 100 MB
    EXPECT_EQ(in_use(), before) << begin;
  }
}

TEST(PromptScanner, WhatComesAfterTheMostIsNotLookedAt) {
  const std::string piece(1 << 20, 'x');
  PromptScanner body(BodyForm::kOpenAi, kSeed);
  body.read(R"({"prompt":")");
  for (int i = 0; i < 100; ++i) body.read(piece);
  body.read(R"(","max_tokens":5})");
  EXPECT_EQ(body.prompt().bytes, PromptScanner::kMost - 11);
  EXPECT_EQ(body.prompt().max_tokens, 0u);
}

TEST(PromptScanner, RawIsAllOfTheBody) {
  const std::string body = "not JSON " + text('a');
  EXPECT_EQ(read(body, 0, BodyForm::kRaw).bytes, body.size());
  EXPECT_TRUE(is_same(read(body, 0, BodyForm::kRaw), read(body, 11, BodyForm::kRaw)));
  EXPECT_EQ(read(body, 0, BodyForm::kOff).bytes, 0u);
}

TEST(PromptScanner, WhatFollowsTheDocumentIsNotLookedAt) {
  EXPECT_TRUE(is_same(read(R"({"prompt":"a"})"), read("{\"prompt\":\"a\"} {\"prompt\":\"b\"}")));
  EXPECT_TRUE(is_same(read(R"({"prompt":"a"})"), read("{\"prompt\":\"a\"} {\"prompt\":\"b\"}", 1)));
}

}  // namespace
}  // namespace leastwise
