#include "leastwise/route.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace leastwise {
namespace {

constexpr std::size_t kMostSegments = 8;
constexpr std::size_t kLongest = 48;       // a segment that is longer is an id
constexpr std::size_t kLeastHex = 8;       // digits, of which none need be 0 to 9
constexpr std::size_t kMostWords = 4;      // joined by - or _; with more it is a title
constexpr std::string_view kMore = "/**";  // what follows is not told apart

// What a byte of a path may be part of.
enum Kind : std::uint8_t {
  kDigit = 1,
  kLower = 2,
  kUpper = 4,
  kHex = 8,    // beside one of those
  kJoin = 16,  // between words: - _
  kMark = 32,  // between words: . : ~
  kOdd = 64,   // names have none of these: somebody's words, or encoded
  kSlash = 128,
};
constexpr std::uint8_t kWord = kDigit | kLower | kUpper;

constexpr std::array<std::uint8_t, 256> kKinds = [] {
  std::array<std::uint8_t, 256> kinds{};
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_lower = c >= 'a' && c <= 'z';
    const bool is_upper = c >= 'A' && c <= 'Z';
    const bool is_hex = is_digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    kinds[c] = is_digit                           ? kDigit
               : is_lower                         ? kLower
               : is_upper                         ? kUpper
               : c == '-' || c == '_'             ? kJoin
               : c == '.' || c == ':' || c == '~' ? kMark
               : c == '/'                         ? kSlash
                                                  : kOdd;
    if (is_hex) kinds[c] |= kHex;
  }
  return kinds;
}();

std::uint8_t kind_of(char c) noexcept { return kKinds[static_cast<unsigned char>(c)]; }

// What the bytes of a text have in common, and what any of them has.
struct Kinds {
  std::uint8_t all = 0xff, any = 0;
};
Kinds kinds_of(std::string_view text) noexcept {
  Kinds kinds;
  for (const char c : text) {
    kinds.all &= kind_of(c);
    kinds.any |= kind_of(c);
  }
  return kinds;
}

// Words of names have few digits, in one place: v1, oauth2, mp3; and change case only where one
// word of many begins: getUserById. REQUIRES: letters and digits.
bool is_id(std::string_view word, Kinds kinds) noexcept {
  const bool is_hex = (kinds.all & kHex) != 0;
  if (is_hex && word.size() >= kLeastHex) return true;
  if ((kinds.any & (kDigit | kUpper)) == 0) return false;
  if ((kinds.all & kDigit) != 0) return true;
  unsigned digits = 0, numbers = 0, rises = 0;
  std::uint8_t before = 0;
  for (const char c : word) {
    const std::uint8_t kind = kind_of(c);
    digits += kind & kDigit;
    numbers += (kind & kDigit) > (before & kDigit) ? 1 : 0;
    rises += (kind & kUpper) != 0 && (before & kLower) != 0 ? 1 : 0;
    before = kind;
  }
  return digits >= 3 || numbers >= 2 ||
         (digits > 0 && (word.size() >= 16 || (is_hex && word.size() >= 6))) ||
         (word.size() >= 10 && 3 * rises >= word.size());
}

// 8-4-4-4-12 hexadecimal digits, and then no more.
bool begins_with_uuid(std::string_view text) noexcept {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() < kForm.size()) return false;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] == '-' ? text[i] != '-' : (kind_of(text[i]) & kHex) == 0) return false;
  }
  return text.size() == kForm.size() || (kind_of(text[kForm.size()]) & kWord) == 0;
}

std::size_t end_of_word(std::string_view text, std::size_t from) noexcept {
  while (from < text.size() && (kind_of(text[from]) & kWord) != 0) ++from;
  return from;
}

// As substr(), which can throw. REQUIRES: from <= text.size().
std::string_view part(std::string_view text, std::size_t from, std::size_t size) noexcept {
  text.remove_prefix(from);
  return {text.data(), std::min(size, text.size())};
}

// With a space. Methods that nobody knows are one: there is no end of them.
std::string_view known(std::string_view method) noexcept {
  if (method == "GET") return "GET ";
  if (method == "POST") return "POST ";
  if (method == "HEAD") return "HEAD ";
  if (method == "PUT") return "PUT ";
  if (method == "DELETE") return "DELETE ";
  if (method == "PATCH") return "PATCH ";
  return method == "OPTIONS" ? "OPTIONS " : "OTHER ";
}

}  // namespace

std::uint64_t Route::hash_of(std::string_view text) noexcept {
  return std::max<std::uint64_t>(1, std::hash<std::string_view>{}(text));
}

void Route::fold(std::string_view method, std::string_view path) noexcept {
  size_ = family_ = 0;
  add(known(method));
  path = part(path, 0, kMostPath);
  for (std::size_t segments = 0; !path.empty();) {
    if (path[0] == '/') {
      path.remove_prefix(1);
      continue;
    }
    const std::size_t before = size_;
    path.remove_prefix(add_segment(path));
    if (size_ == before) continue;
    if (++segments == 1) family_ = size_ + 1;  // with a slash: "/a/" is not the path "/a"
    if (segments > kMostSegments || size_ + kMore.size() > kMostText) {
      size_ = before;
      add(kMore);
      break;
    }
  }
  if (family_ == 0) return add("/");
  text_[family_ - 1] = '/';  // there already, unless the path ends here
}

// Adds what the path begins with; returns its length. As most are, it is added as it is while it
// is looked at.
std::size_t Route::add_segment(std::string_view path) noexcept {
  char* to = text_.data() + size_;
  *to++ = '/';
  Kinds kinds;
  std::size_t end = 0;
  for (; end < path.size(); ++end) {
    const char c = path[end];
    const std::uint8_t kind = kind_of(c);
    if (kind == kSlash) break;
    kinds.all &= kind;
    kinds.any |= kind;
    *to++ = c;
  }
  const bool is_word = (kinds.any & ~(kLower | kHex)) == 0;
  if (is_word && end <= kLongest && (end < kLeastHex || (kinds.all & kHex) == 0)) [[likely]] {
    size_ += 1 + end;
  } else {
    fold_segment(part(path, 0, end));
  }
  return end;
}

void Route::fold_segment(std::string_view segment) noexcept {
  // Parameters, as of sessions, are no part of the name.
  segment = part(segment, 0, segment.find(';'));
  if (segment.empty() || segment == ".") return;
  add("/");
  if (segment.size() > kLongest || (kinds_of(segment).any & kOdd) != 0) {
    add("*");
  } else {
    add_words(segment);
  }
}

void Route::add_words(std::string_view segment) noexcept {
  const std::size_t begin = size_;
  std::size_t joins = 0;
  for (std::size_t at = 0; at < segment.size();) {
    std::size_t end = end_of_word(segment, at);
    const std::string_view word = part(segment, at, end - at);
    if (word.empty()) {
      if ((kind_of(segment[at]) & kJoin) != 0) ++joins;
      add(part(segment, at++, 1));
    } else if (is_id(word, kinds_of(word))) {
      if (begins_with_uuid(part(segment, at, segment.npos))) end = at + 36;
      // Of ids side by side, as in 2024-01-31 or 3.6.0, one is enough.
      const std::size_t own = size_ - begin;
      if (own >= 2 && text_[size_ - 2] == '*') {
        --size_;
      } else {
        add("*");
      }
      at = end;
    } else {
      add(word);
      at = end;
    }
  }
  if (joins < kMostWords) return;
  size_ = begin;
  add("*");
}

void Route::add(std::string_view text) noexcept {
  std::memcpy(text_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

}  // namespace leastwise
