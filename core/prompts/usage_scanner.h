// Usage scanner: what a model server says in its answer of the prompt that it was given, found as the
// bytes stream by: `usage`, as the OpenAI API has it and Anthropic's (`prompt_tokens`,
// `input_tokens`, and of these how many were in the cache). In an event stream it is in one of the
// last events; when the first event begins is told, too: comments, which keep a connection open,
// are none.
//
// As hostile as the other side: memory is the same for any answer, and what is no JSON is skipped.
#ifndef LEASTWISE_PROMPTS_USAGE_SCANNER_H_
#define LEASTWISE_PROMPTS_USAGE_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace leastwise {

struct Usage {
  static constexpr std::int64_t kUnknown = -1;
  std::int64_t prompt = kUnknown;  // tokens
  std::int64_t cached = kUnknown;  // of these
};

class UsageScanner {
 public:
  enum class Form : std::uint8_t { kJson, kEventStream };

  explicit UsageScanner(Form form) noexcept;
  ~UsageScanner();
  UsageScanner(const UsageScanner&) = delete;
  UsageScanner& operator=(const UsageScanner&) = delete;

  void read(std::string_view bytes) noexcept;

  // An event with data has begun; of JSON, anything.
  bool has_begun() const noexcept { return has_begun_; }
  Usage usage() const noexcept;

 private:
  struct Parser;
  enum class At : std::uint8_t { kName, kData, kRest };  // of the line

  void read_json(std::string_view bytes) noexcept;
  void end_line() noexcept;

  std::unique_ptr<Parser> parser_;
  Form form_;
  bool has_begun_ = false;
  bool is_skipped_ = false;  // the rest of this document
  At at_ = At::kName;
  std::size_t matched_ = 0;  // bytes of "data:" at the line's begin
};

}  // namespace leastwise

#endif  // LEASTWISE_PROMPTS_USAGE_SCANNER_H_
