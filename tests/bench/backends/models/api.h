// The OpenAI API as vLLM speaks it: what a request asks for, and the bytes of its answer.
//
// Nothing is computed: a prompt is known by the hashes of its pieces, and the tokens of an answer
// are letters that follow from a number.
#ifndef LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_API_H_
#define LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_API_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/inference/text.h"

namespace leastwise::bench {

inline constexpr std::uint32_t kMostAnswerTokens = 4096;

struct Completion {
  bool is_chat = false;
  bool streams = false;
  bool says_usage = false;  // in its last event
  std::string model;
  std::uint64_t salt = 0;  // of model and cache_salt: nothing is shared between two
  std::string prompt;      // as the template of a model renders it
  std::uint32_t max_tokens = 16;
};

// Throws UsageError that says what is accepted.
Completion parse_completion(bool is_chat, std::string_view body);

// The prompt and `more` behind it: two texts share the blocks of their common beginning.
sim::Text text_of(const Completion& completion, std::string_view more = "");

// Four characters, as many as a token has.
std::string answer_token(std::uint64_t number, std::uint32_t at);
std::string answer_text(std::uint64_t number, std::uint32_t tokens);

struct Usage {
  std::uint32_t prompt_tokens = 0, cached_tokens = 0, answer_tokens = 0;
};

// The head of an event stream; each event is a chunk of it.
std::string stream_head(bool keeps_alive);
std::string token_event(const Completion& completion, std::uint64_t number, std::uint32_t at,
                        bool is_last);
// The event of the usage, if it is wanted, and the end of the stream.
std::string last_events(const Completion& completion, std::uint64_t number, const Usage& usage);
// The body of an answer that is no stream.
std::string whole_answer(const Completion& completion, std::uint64_t number, const Usage& usage);
std::string error_body(int status, std::string_view message);

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_BACKENDS_MODELS_API_H_
