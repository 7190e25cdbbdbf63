// Prompt scanner: the prompt in the body of a request to a model server, found as the bytes stream by.
//
// `openai`: a JSON object as the OpenAI API has it (and vLLM, SGLang, TensorRT-LLM, llama.cpp,
// Anthropic). The prompt is what `system`, `instructions`, `messages`, `prompt` and `input` hold:
// each string and number in them, in the body's order, without keys and spaces, strings without
// their escapes. So two turns of a chat share what they have in common however the client writes
// JSON. `raw`: the prompt is the body.
//
// Hostile input is expected: memory is the same for any body, a document deeper than 60 levels or
// that is no JSON has no prompt, and what comes after kMost bytes is not looked at. Nothing of the
// text is kept but digests.
#ifndef LEASTWISE_PROMPTS_PROMPT_SCANNER_H_
#define LEASTWISE_PROMPTS_PROMPT_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "leastwise/prompt.h"

namespace leastwise {

enum class BodyForm : std::uint8_t { kOff, kOpenAi, kRaw };

class PromptScanner {
 public:
  static constexpr std::size_t kMost = std::size_t{16} << 20;

  // `seed`: of the instance, secret.
  PromptScanner(BodyForm form, std::uint64_t seed) noexcept;
  ~PromptScanner();
  PromptScanner(const PromptScanner&) = delete;
  PromptScanner& operator=(const PromptScanner&) = delete;

  // The next bytes, in pieces of any size. Allocates, within limits that do not depend on them.
  void read(std::string_view bytes) noexcept;

  // Whether what was read has a prompt, maybe cut short, and it.
  bool has_prompt() const noexcept;
  Prompt prompt() const noexcept;

 private:
  struct Parser;
  PromptDigester digester_;
  std::unique_ptr<Parser> parser_;  // of `openai`
  std::size_t read_ = 0;
  BodyForm form_;
  bool is_broken_ = false;
};

}  // namespace leastwise

#endif  // LEASTWISE_PROMPTS_PROMPT_SCANNER_H_
