#include "leastwise/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace leastwise {

Text& Text::operator<<(std::string_view s) noexcept {
  if (!s.empty() && size_ < buffer_.size()) {  // memcpy must not copy nothing from nowhere
    std::memcpy(buffer_.data() + size_, s.data(), std::min(s.size(), buffer_.size() - size_));
  }
  size_ += s.size();
  return *this;
}

Text& Text::operator<<(std::uint64_t n) noexcept {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

Text& Text::operator<<(std::int64_t n) noexcept {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
  return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

Text& Text::operator<<(double x) noexcept {
  if (!std::isfinite(x)) x = 0;
  std::array<char, 32> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), x, std::chars_format::general, 6)
          .ptr;
  return *this << std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

Text& Text::sum(double seconds) noexcept {
  constexpr double kMost = 9e12;  // seconds, as microseconds within 64 bits
  if (!(seconds >= 0) || seconds > kMost) seconds = 0;
  const auto micros = static_cast<std::uint64_t>(seconds * 1e6 + 0.5);
  *this << micros / 1'000'000;
  std::array<char, 7> digits{'.'};
  std::size_t size = 1;
  std::uint64_t rest = micros % 1'000'000;
  for (; rest != 0; rest = rest * 10 % 1'000'000) {
    digits[size++] = static_cast<char>('0' + rest / 100'000);
  }
  return size > 1 ? *this << std::string_view(digits.data(), size) : *this;
}

Text& Text::json(std::string_view s) noexcept {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *this << '\\' << c;
    } else if (byte < 0x20 || c == '<') {
      *this << "\\u00" << kHex[byte >> 4] << kHex[byte & 15];
    } else {
      *this << c;
    }
  }
  return *this;
}

Text& Text::label(std::string_view s) noexcept {
  for (const char c : s) {
    if (c == '\n') {
      *this << "\\n";
      continue;
    }
    if (c == '"' || c == '\\') *this << '\\';
    *this << c;
  }
  return *this;
}

}  // namespace leastwise
