#include "prompts/usage_scanner.h"

#include <algorithm>
#include <new>

#include "prompts/json_events.h"

namespace leastwise {
namespace {

// A server that says more has no such cache.
constexpr std::uint64_t kMostTokens = std::uint64_t{1} << 40;

// `usage` stands in the answer, or in what the Responses API's events call `response` and
// Anthropic's `message`.
class Reader : public JsonEvents<Reader> {
 public:
  const Usage& usage() const noexcept { return usage_; }

  // Before another document: what was found stays.
  void begin() noexcept {
    restart();
    outer_ = usage_at_ = details_at_ = 0;
  }

  void on_name(std::string_view key) noexcept {
    name_ = Name::kOther;
    if (key == "usage" && (depth() == 1 || (depth() == 2 && outer_ != 0))) name_ = Name::kUsage;
    if (depth() == 1 && (key == "response" || key == "message")) name_ = Name::kOuter;
    if (usage_at_ == 0) return;
    if (depth() == usage_at_) name_ = in_usage(key);
    if (depth() == details_at_ && key == "cached_tokens") name_ = Name::kCached;
  }
  void on_open() noexcept {
    if (name_ == Name::kOuter) outer_ = depth();
    if (name_ == Name::kUsage) usage_at_ = depth();
    if (name_ == Name::kDetails) details_at_ = depth();
    name_ = Name::kOther;
  }
  void on_close() noexcept {
    if (outer_ == depth()) outer_ = 0;
    if (usage_at_ == depth()) usage_at_ = 0;
    if (details_at_ == depth()) details_at_ = 0;
  }
  void on_part(std::string_view) noexcept {}
  void on_integer(std::uint64_t value) noexcept {
    if (value > kMostTokens) return;
    if (name_ == Name::kPrompt) usage_.prompt = static_cast<std::int64_t>(value);
    if (name_ == Name::kCached) usage_.cached = static_cast<std::int64_t>(value);
  }
  void on_end(Scalar) noexcept { name_ = Name::kOther; }

 private:
  enum class Name : std::uint8_t { kOther, kOuter, kUsage, kDetails, kPrompt, kCached };

  static Name in_usage(std::string_view key) noexcept {
    if (key == "prompt_tokens" || key == "input_tokens") return Name::kPrompt;
    if (key == "prompt_tokens_details" || key == "input_tokens_details") return Name::kDetails;
    if (key == "cache_read_input_tokens") return Name::kCached;
    return Name::kOther;
  }

  Usage usage_;
  Name name_ = Name::kOther;
  // Depths of the objects that are open, 0 for those that are not.
  std::uint32_t outer_ = 0, usage_at_ = 0, details_at_ = 0;
};

}  // namespace

struct UsageScanner::Parser {
  boost::json::basic_parser<Reader> json{json_options()};
};

UsageScanner::UsageScanner(Form form) noexcept : form_(form) {
  try {
    parser_ = std::make_unique<Parser>();
  } catch (const std::bad_alloc&) {
    // Then there is no usage; the first event is told all the same.
  }
}

UsageScanner::~UsageScanner() = default;

void UsageScanner::read(std::string_view bytes) noexcept {
  if (form_ == Form::kJson) {
    has_begun_ = has_begun_ || !bytes.empty();
    read_json(bytes);
    return;
  }
  constexpr std::string_view kData = "data:";
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\r\n");
    std::string_view line = bytes;
    if (end != std::string_view::npos) line.remove_suffix(bytes.size() - end);
    bytes.remove_prefix(line.size());
    while (at_ == At::kName && !line.empty()) {
      if (line.front() != kData[matched_]) {
        at_ = At::kRest;
      } else if (++matched_ == kData.size()) {
        at_ = At::kData;
      }
      line.remove_prefix(1);
    }
    if (at_ == At::kData) {
      has_begun_ = true;
      read_json(line);
    }
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(1);
  }
}

// One line is one document: that events of several exist is not known of any such API.
void UsageScanner::end_line() noexcept {
  if (at_ == At::kData && parser_) {
    parser_->json.reset();
    parser_->json.handler().begin();
    is_skipped_ = false;
  }
  at_ = At::kName;
  matched_ = 0;
}

void UsageScanner::read_json(std::string_view bytes) noexcept {
  if (!parser_ || is_skipped_ || bytes.empty() || parser_->json.done()) return;
  try {
    boost::json::error_code fault;
    parser_->json.write_some(true, bytes.data(), bytes.size(), fault);
    is_skipped_ = bool(fault);
  } catch (...) {
    is_skipped_ = true;  // memory ran out
  }
}

Usage UsageScanner::usage() const noexcept { return parser_ ? parser_->json.handler().usage() : Usage{}; }

}  // namespace leastwise
