#include "prompts/prompt_scanner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "prompts/json_feed.h"

namespace leastwise {
namespace {

// What ends each value in the digest: no byte of UTF-8, so that "ab" and "a", "b" differ.
constexpr std::string_view kEndOfValue = "\xff";

// The beginning of a short text that comes in parts.
class Beginning {
 public:
  void clear() noexcept { size_ = 0; }
  void add(std::string_view part) noexcept {
    const std::size_t n = std::min(part.size(), text_.size() - size_);
    std::memcpy(text_.data() + size_, part.data(), n);
    size_ += n;
  }
  std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 256> text_;
  std::size_t size_ = 0;
};

class Reader : public JsonEvents<Reader> {
 public:
  explicit Reader(PromptDigester& digester) noexcept : digester_(digester) {}

  bool has_prompt() const noexcept { return has_prompt_; }

  void on_name(std::string_view key) noexcept {
    if (depth() == 1) field_ = field_of(key);
    short_.clear();
  }
  void on_open() noexcept {}
  void on_close() noexcept {}
  void on_part(std::string_view text) noexcept {
    switch (field_) {
      case Field::kPrompt:
        digester_.add(text);
        has_prompt_ = true;
        break;
      case Field::kModel:
      case Field::kSalt:
        if (depth() == 1) short_.add(text);
        break;
      case Field::kMaxTokens:
      case Field::kOther:
        break;
    }
  }
  void on_integer(std::uint64_t value) noexcept {
    constexpr std::uint64_t kMost = 0xffffffff;
    if (field_ != Field::kMaxTokens || depth() != 1) return;
    digester_.max_tokens(static_cast<std::uint32_t>(std::min(value, kMost)));
  }
  void on_end(Scalar kind) noexcept {
    if (field_ == Field::kPrompt && kind != Scalar::kOther) digester_.add(kEndOfValue);
    if (depth() != 1 || kind != Scalar::kString) return;
    if (field_ == Field::kModel) digester_.model(short_.text());
    if (field_ == Field::kSalt) digester_.salt(short_.text());
  }

 private:
  enum class Field : std::uint8_t { kOther, kPrompt, kModel, kSalt, kMaxTokens };

  static Field field_of(std::string_view key) noexcept {
    struct Name {
      std::string_view key;
      Field field;
    };
    static constexpr Name kNames[] = {
        {"messages", Field::kPrompt},
        {"prompt", Field::kPrompt},
        {"input", Field::kPrompt},
        {"system", Field::kPrompt},        // Anthropic's
        {"instructions", Field::kPrompt},  // OpenAI's Responses
        {"model", Field::kModel},
        {"cache_salt", Field::kSalt},
        {"max_tokens", Field::kMaxTokens},
        {"max_completion_tokens", Field::kMaxTokens},
        {"max_output_tokens", Field::kMaxTokens},
    };
    const auto* found = std::ranges::find(kNames, key, &Name::key);
    return found == std::end(kNames) ? Field::kOther : found->field;
  }

  PromptDigester& digester_;
  Beginning short_;
  Field field_ = Field::kOther;  // of the object that is the body
  bool has_prompt_ = false;
};

}  // namespace

struct PromptScanner::Parser {
  explicit Parser(PromptDigester& digester) : json(json_options(), digester) {}
  boost::json::basic_parser<Reader> json;
  JsonFeed<Reader> feed;
};

PromptScanner::PromptScanner(BodyForm form, std::uint64_t seed) noexcept : digester_(seed), form_(form) {
  if (form != BodyForm::kOpenAi) return;
  try {
    parser_ = std::make_unique<Parser>(digester_);
  } catch (const std::bad_alloc&) {
    is_broken_ = true;
  }
}

PromptScanner::~PromptScanner() = default;

void PromptScanner::read(std::string_view bytes) noexcept {
  if (is_broken_ || form_ == BodyForm::kOff) return;
  const std::string_view looked_at(bytes.data(), std::min(bytes.size(), kMost - read_));
  read_ += looked_at.size();
  if (looked_at.empty()) return;
  if (form_ == BodyForm::kRaw) {
    digester_.add(looked_at);
    return;
  }
  try {
    is_broken_ = !parser_->feed.read(parser_->json, looked_at);
  } catch (...) {
    is_broken_ = true;  // memory ran out
  }
}

bool PromptScanner::has_prompt() const noexcept {
  if (is_broken_) return false;
  return form_ == BodyForm::kRaw ? read_ != 0 : parser_ && parser_->json.handler().has_prompt();
}

Prompt PromptScanner::prompt() const noexcept { return has_prompt() ? digester_.finish() : Prompt{}; }

}  // namespace leastwise
