// JSON feed: hands a parser of Boost.JSON its bytes, those of escaped strings more quickly.
//
// From the first escape of a string to its end that parser copies byte by byte, 1.6 ns each. But
// once it has taken an escape without an error it is inside a string, where characters, and whole
// escapes, leave its state as it is. So it is not given them: its reader gets them from here, and
// the parser goes on with the first byte that is something else, or whose escape goes on in the
// next piece. What is an error remains the parser's to say.
#ifndef LEASTWISE_PROMPTS_JSON_FEED_H_
#define LEASTWISE_PROMPTS_JSON_FEED_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "prompts/json_events.h"

namespace leastwise {

template <typename Reader>
class JsonFeed {
 public:
  // The next bytes, in pieces of any size. False: they are no JSON, and no more may follow.
  bool read(boost::json::basic_parser<Reader>& parser, std::string_view text) {
    while (!text.empty() && !parser.done()) {
      if (is_inside_) {
        text.remove_prefix(take(parser.handler(), text));
        if (text.empty()) return true;
        is_inside_ = false;
      }
      const std::size_t size = up_to_escape(text);
      boost::json::error_code fault;
      parser.write_some(true, text.data(), size, fault);
      if (fault) return false;
      text.remove_prefix(size);
    }
    return true;
  }

 private:
  // Of an escape of one character, by that which follows the backslash; 0: it is none.
  static constexpr char meaning(char c) noexcept {
    constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t at = kEscapes.find(c);
    return at == std::string_view::npos ? '\0' : kMeanings[at];
  }
  using Table = std::array<char, 256>;
  static constexpr Table kMeaning = [] {
    Table table{};
    for (std::size_t c = 0; c < table.size(); ++c) table[c] = meaning(static_cast<char>(c));
    return table;
  }();
  static constexpr Table kIsPlain = [] {
    Table table{};
    for (std::size_t c = 0x20; c < table.size(); ++c) table[c] = c != '"' && c != '\\';
    return table;
  }();
  static char look_up(const Table& table, char c) noexcept {
    return table[static_cast<unsigned char>(c)];
  }

  // A hexadecimal digit. kNoDigit: it is none, and so is what it is part of, wherever it stands.
  static constexpr char32_t kNoDigit = 0x10000;
  static constexpr std::array<char32_t, 256> kHex = [] {
    std::array<char32_t, 256> table{};
    table.fill(kNoDigit);
    for (char32_t c = 0; c < 10; ++c) table['0' + c] = c;
    for (char32_t c = 0; c < 6; ++c) table['a' + c] = table['A' + c] = 10 + c;
    return table;
  }();
  static char32_t digit(char c) noexcept { return kHex[static_cast<unsigned char>(c)]; }

  // Of \uXXXX, which begins the text; kNoUnit or more: not all of it is there, or it is something
  // else.
  static constexpr char32_t kNoUnit = kNoDigit;
  static char32_t unit(std::string_view text) noexcept {
    if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return kNoUnit;
    return digit(text[2]) << 12 | digit(text[3]) << 8 | digit(text[4]) << 4 | digit(text[5]);
  }
  static bool is_surrogate(char32_t unit) noexcept { return unit >= 0xd800 && unit < 0xe000; }

  // Writes the character of the escape that begins the text: how many bytes that takes, and in
  // `size` how long the escape is; 0: it is the parser's. UTF-8 is of RFC 3629, pairs of RFC 8259
  // §7.
  static std::size_t decode(std::string_view text, std::size_t& size, char* out) noexcept {
    char32_t c = unit(text);
    if (c >= kNoUnit) {
      size = 2;
      *out = text.size() < 2 ? '\0' : look_up(kMeaning, text[1]);
      return *out == 0 ? 0 : 1;
    }
    size = 6;
    if (is_surrogate(c)) {
      const char32_t low = c < 0xdc00 ? unit(text.substr(6)) : kNoUnit;
      if (low < 0xdc00 || low > 0xdfff) return 0;
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
      size = 12;
    }
    return encode(c, out);
  }
  static std::size_t encode(char32_t c, char* out) noexcept {
    const auto tail = [c](unsigned shift) { return static_cast<char>(0x80 | (c >> shift & 0x3f)); };
    if (c < 0x80) {
      out[0] = static_cast<char>(c);
      return 1;
    }
    if (c < 0x800) {
      out[0] = static_cast<char>(0xc0 | c >> 6);
      out[1] = tail(0);
      return 2;
    }
    if (c < 0x10000) {
      out[0] = static_cast<char>(0xe0 | c >> 12);
      out[1] = tail(6);
      out[2] = tail(0);
      return 3;
    }
    out[0] = static_cast<char>(0xf0 | c >> 18);
    out[1] = tail(12);
    out[2] = tail(6);
    out[3] = tail(0);
    return 4;
  }

  // Up to the end of the first escape that leaves the parser between two characters: one of a
  // single character, or \u that is no surrogate. Then is_inside_ is true.
  std::size_t up_to_escape(std::string_view text) noexcept {
    std::size_t at = 0;
    if (is_escaped_) {
      is_escaped_ = false;
      is_inside_ = text.front() != 'u';
      at = 1;
      if (is_inside_) return at;
    }
    while ((at = text.find('\\', at)) != std::string_view::npos) {
      is_escaped_ = at + 1 == text.size();
      if (is_escaped_) break;
      const char32_t value = unit(text.substr(at));
      is_inside_ = text[at + 1] != 'u' || (value < kNoUnit && !is_surrogate(value));
      at += text[at + 1] == 'u' && is_inside_ ? std::size_t{6} : std::size_t{2};
      if (is_inside_) return at;
    }
    return text.size();
  }

  // Gives the reader what begins the text and does not concern the parser. How many bytes that was.
  static std::size_t take(Reader& reader, std::string_view text) {
    std::array<char, 2048> taken;
    std::size_t n = 0, at = 0;
    while (at < text.size()) {
      if (n > taken.size() - 4) {
        reader.add_text({taken.data(), n});
        n = 0;
      }
      if (text[at] == '\\') {
        std::size_t size = 0;
        const std::size_t written = decode(text.substr(at), size, taken.data() + n);
        if (written == 0) break;
        n += written;
        at += size;
        continue;
      }
      const std::size_t end = at + std::min(text.size() - at, taken.size() - n), begin = at;
      while (at < end && look_up(kIsPlain, text[at]) != 0) taken[n++] = text[at++];
      if (at == begin) break;
    }
    if (n != 0) reader.add_text({taken.data(), n});
    return at;
  }

  bool is_inside_ = false;   // the parser is between two characters of a string
  bool is_escaped_ = false;  // the last byte was the first of an escape
};

}  // namespace leastwise

#endif  // LEASTWISE_PROMPTS_JSON_FEED_H_
