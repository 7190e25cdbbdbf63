// Splits a configuration file into words, as nginx does.
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_LEXER_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_LEXER_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace leastwise::agent {

// What is wrong in a configuration file: `FILE:LINE: "value": what is accepted`.
class ConfigError : public std::runtime_error {
 public:
  ConfigError(std::string_view file, std::uint32_t line, std::string_view value,
              std::string_view message);
};

struct Token {
  enum class Kind : std::uint8_t { kWord, kSemicolon, kOpen, kClose, kEnd };

  Kind kind = Kind::kEnd;
  std::string text;  // of a word, without its quotes; else as written, empty at the end
  std::uint32_t line = 1;
};

// Words are separated by blanks, `;`, `{` and `}`, which are tokens of their own. `#` starts a
// comment where a word may start. A word in " or ' may hold anything; \ takes the next character
// as it is. Control characters are refused. Both views must outlive the lexer.
class ConfigLexer {
 public:
  ConfigLexer(std::string_view file, std::string_view text) noexcept : file_(file), text_(text) {}

  // Throws ConfigError when a quote is not closed.
  Token next();

 private:
  void skip_blanks() noexcept;
  Token quoted();
  Token word();

  std::string_view file_;
  std::string_view text_;
  std::uint32_t line_ = 1;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_LEXER_H_
