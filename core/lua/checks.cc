#include "lua/checks.h"

namespace leastwise::lua {
namespace {

// As LuaJIT has them, in every locale.
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_blank(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_name_start(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name(char c) noexcept { return is_name_start(c) || is_digit(c); }
bool is_end_of_line(char c) noexcept { return c == '\n' || c == '\r'; }

// Cuts Lua into tokens, as far as is needed to know names and parentheses from what is in texts
// and comments.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : text_(text) {}

  bool at_end() const noexcept { return at_ >= text_.size(); }
  std::size_t at() const noexcept { return at_; }

  // The next token, of one character unless it is a name or a number, or a text, which is empty.
  std::string_view next() noexcept {
    skip_blank();
    const std::size_t begin = at_;
    if (at_end()) return {};
    const char c = text_[at_];
    if (is_name_start(c)) return take(begin, [](char next) { return is_name(next); });
    if (is_digit(c)) {
      return take(begin, [](char next) { return is_name(next) || next == '.'; });
    }
    if (c == '"' || c == '\'') return skip_quoted(c), std::string_view();
    if (c == '[' && level(at_) >= 0) return skip_long(level(at_)), std::string_view();
    ++at_;
    return {text_.data() + begin, 1};
  }

 private:
  char look(std::size_t ahead) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  template <typename Is>
  std::string_view take(std::size_t begin, Is is) noexcept {
    while (!at_end() && is(text_[at_])) ++at_;
    return {text_.data() + begin, at_ - begin};
  }
  // Of a long bracket that opens there, [[ or [=[; -1: none does.
  int level(std::size_t at) const noexcept {
    std::size_t end = at + 1;
    while (end < text_.size() && text_[end] == '=') ++end;
    return end < text_.size() && text_[end] == '[' ? static_cast<int>(end - at - 1) : -1;
  }
  void skip_long(int level) noexcept {
    const std::string closing = "]" + std::string(static_cast<std::size_t>(level), '=') + "]";
    const std::size_t end = text_.find(closing, at_);
    at_ = end == text_.npos ? text_.size() : end + closing.size();
  }
  void skip_quoted(char quote) noexcept {
    for (++at_; !at_end() && text_[at_] != quote && !is_end_of_line(text_[at_]); ++at_) {
      if (text_[at_] != '\\') continue;
      ++at_;
      // A line may end in two characters.
      if (is_end_of_line(look(0)) && is_end_of_line(look(1)) && look(0) != look(1)) ++at_;
    }
    if (!at_end()) ++at_;
  }
  void skip_blank() noexcept {
    while (!at_end()) {
      if (is_blank(text_[at_])) {
        ++at_;
      } else if (text_[at_] == '-' && look(1) == '-') {
        at_ += 2;
        const int deep = look(0) == '[' ? level(at_) : -1;
        if (deep >= 0) {
          skip_long(deep);
        } else {
          while (!at_end() && !is_end_of_line(text_[at_])) ++at_;
        }
      } else {
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

class Writer {
 public:
  Writer(std::string_view source, std::string& out) : source_(source), out_(out) {}
  void check_at(std::size_t at) {
    out_.append(source_.data() + copied_, at - copied_).append(" ").append(kCheck).append("(); ");
    copied_ = at;
  }
  void end() { out_.append(source_.data() + copied_, source_.size() - copied_); }

 private:
  std::string_view source_;
  std::string& out_;
  std::size_t copied_ = 0;
};

}  // namespace

bool add_checks(std::string_view source, std::string& out) {
  out.assign("local ").append(kCheck).append(" = ...; ");
  Scanner scanner(source);
  Writer writer(source, out);
  bool in_parameters = false;  // of a function: they end with the first parenthesis that closes
  std::size_t since_goto = 0;
  std::string_view before;
  while (!scanner.at_end()) {
    const std::string_view token = scanner.next();
    if (token == kCheck) return false;
    if (before == "goto" && !token.empty() && is_name_start(token[0])) writer.check_at(since_goto);
    if (in_parameters && token == ")") {
      writer.check_at(scanner.at());
      in_parameters = false;
    } else if (token == "function") {
      in_parameters = true;
    } else if (token == "do" || token == "repeat") {
      writer.check_at(scanner.at());
    } else if (token == "goto") {
      since_goto = scanner.at() - token.size();
    }
    before = token;
  }
  writer.end();
  return true;
}

}  // namespace leastwise::lua
