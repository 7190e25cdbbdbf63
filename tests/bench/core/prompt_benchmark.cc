// What finding the prompt in the body of a chat takes, by its size in KiB and how its text is
// written.
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "leastwise/rng.h"
#include "prompts/prompt_scanner.h"

namespace leastwise::bench {
namespace {

// Messages of 2000 characters, a line break after each 60 and a quotation after each 200.
std::string chat(std::size_t bytes, std::string_view letters, std::string_view line_break,
                 std::string_view quote) {
  Rng rng(1);
  std::string body = R"({"model":"m","stream":true,"messages":[{"role":"system","content":")";
  for (std::size_t n = 1; body.size() < bytes; ++n) {
    const std::size_t length = letters.size() / 16;
    body += letters.substr(length * rng.below(16), length);
    if (n % 6 == 0) body += ' ';
    if (n % 60 == 0) body += line_break;
    if (n % 200 < 2) body += quote;
    if (n % 2000 == 0) body += R"("},{"role":"user","content":")";
  }
  return body + R"("}],"max_tokens":100})";
}

void scan(benchmark::State& state, const std::string& body) {
  for (auto _ : state) {
    PromptScanner scanner(BodyForm::kOpenAi, 1);
    scanner.read(body);
    Prompt prompt = scanner.prompt();
    benchmark::DoNotOptimize(prompt);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}

constexpr std::string_view kLetters = "etaoinshrdlucmfw";
constexpr std::string_view kCyrillic =
    "\\u0430\\u0431\\u0432\\u0433\\u0434\\u0435\\u0436\\u0437\\u0438\\u0439\\u043a\\u043b\\u043c\\u"
    "043d"
    "\\u043e\\u043f";

std::size_t bytes_of(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0)) << 10;
}
void plain(benchmark::State& state) { scan(state, chat(bytes_of(state), kLetters, " ", "'")); }
void escapes(benchmark::State& state) {
  scan(state, chat(bytes_of(state), kLetters, R"(\n)", R"(\")"));
}
void code_points(benchmark::State& state) {
  scan(state, chat(bytes_of(state), kCyrillic, R"(\n)", R"(\")"));
}
BENCHMARK(plain)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(escapes)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(code_points)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace leastwise::bench

BENCHMARK_MAIN();
