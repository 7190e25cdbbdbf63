#include "config/lexer.h"

#include <algorithm>

#include "config/redis_url.h"

namespace leastwise::agent {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kEndsWord = " \t\r\n;{}";

std::string render(std::string_view file, std::uint32_t line, std::string_view value,
                   std::string_view message) {
  std::string text(file);
  text += ':' + std::to_string(line) + ": \"";
  text += without_password(value);
  text += "\": ";
  text += message;
  return text;
}

bool is_control(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && kBlanks.find(c) == kBlanks.npos) || byte == 0x7f;
}

}  // namespace

ConfigError::ConfigError(std::string_view file, std::uint32_t line, std::string_view value,
                         std::string_view message)
    : std::runtime_error(render(file, line, value, message)) {}

Token ConfigLexer::next() {
  skip_blanks();
  if (text_.empty()) return {Token::Kind::kEnd, "", line_};
  const char c = text_.front();
  if (c == '"' || c == '\'') return quoted();
  const Token::Kind kind = c == ';'   ? Token::Kind::kSemicolon
                           : c == '{' ? Token::Kind::kOpen
                           : c == '}' ? Token::Kind::kClose
                                      : Token::Kind::kWord;
  if (kind == Token::Kind::kWord) return word();
  text_.remove_prefix(1);
  return {kind, std::string(1, c), line_};
}

void ConfigLexer::skip_blanks() noexcept {
  while (!text_.empty()) {
    const char c = text_.front();
    if (c == '#') {
      text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
    } else if (kBlanks.find(c) != kBlanks.npos) {
      if (c == '\n') ++line_;
      text_.remove_prefix(1);
    } else {
      return;
    }
  }
}

Token ConfigLexer::quoted() {
  Token token{Token::Kind::kWord, "", line_};
  const char quote = text_.front();
  for (std::size_t i = 1; i < text_.size(); ++i) {
    if (text_[i] == quote) {
      text_.remove_prefix(i + 1);
      return token;
    }
    if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
    if (is_control(text_[i])) throw ConfigError(file_, line_, "\\", "control character");
    if (text_[i] == '\n') ++line_;
    token.text += text_[i];
  }
  throw ConfigError(file_, token.line, token.text.substr(0, token.text.find('\n')),
                    std::string("the quote ") + quote + " is never closed");
}

Token ConfigLexer::word() {
  Token token{Token::Kind::kWord, "", line_};
  std::size_t i = 0;
  for (; i < text_.size() && kEndsWord.find(text_[i]) == kEndsWord.npos; ++i) {
    if (text_[i] == '\\' && i + 1 < text_.size()) ++i;
    if (is_control(text_[i])) throw ConfigError(file_, line_, token.text, "control character");
    if (text_[i] == '\n') ++line_;
    token.text += text_[i];
  }
  text_.remove_prefix(i);
  return token;
}

}  // namespace leastwise::agent
