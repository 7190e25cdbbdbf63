// A request to a model server is whatever a client sends, its answer whatever a server does. Both
// must read the same however they are cut.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/prompts/listing.h"
#include "prompts/prompt_scanner.h"
#include "prompts/usage_scanner.h"

using namespace leastwise;

namespace {

template <typename Reader>
void read(Reader& reader, std::string_view text, std::size_t piece) {
  while (!text.empty()) {
    const std::size_t n = std::min(piece, text.size());
    reader.read({text.data(), n});
    text.remove_prefix(n);
  }
}

void check_body(std::string_view text, std::size_t piece) {
  PromptScanner whole(BodyForm::kOpenAi, 1);
  PromptScanner pieces(BodyForm::kOpenAi, 1);
  read(whole, text, text.size());
  read(pieces, text, piece);
  if (whole.has_prompt() != pieces.has_prompt()) std::abort();
  const Prompt a = whole.prompt();
  const Prompt b = pieces.prompt();
  if (a.bytes != b.bytes || a.points != b.points || a.max_tokens != b.max_tokens) std::abort();
  if (a.digests != b.digests || a.points > Prompt::kMaxPoints) std::abort();
}

void check_answer(UsageScanner::Form form, std::string_view text, std::size_t piece) {
  UsageScanner whole(form);
  UsageScanner pieces(form);
  read(whole, text, text.size());
  read(pieces, text, piece);
  const Usage a = whole.usage();
  const Usage b = pieces.usage();
  if (a.prompt != b.prompt || a.cached != b.cached) std::abort();
  if (whole.has_begun() != pieces.has_begun() || a.prompt < -1 || a.cached < -1) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 32 + 1;
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data + 1)),
                              size - 1);
  if (text.empty()) return 0;
  check_body(text, piece);
  if (listing_of_feed(text, piece) != listing_of_parser(text)) std::abort();
  check_answer(UsageScanner::Form::kJson, text, piece);
  check_answer(UsageScanner::Form::kEventStream, text, piece);
  return 0;
}
