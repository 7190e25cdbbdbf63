#include "reports/base64.h"

#include <array>
#include <cstdint>

namespace leastwise {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 64;

constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::string_view without_padding(std::string_view text) noexcept {
  if (text.size() % 4 != 0) return text;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

bool decode_base64(std::string_view text, std::span<char> buffer, std::string_view& out) noexcept {
  text = without_padding(text);
  if (text.size() % 4 == 1 || text.size() / 4 * 3 + 3 > buffer.size()) return false;
  std::uint32_t bits = 0;
  unsigned have = 0;
  std::size_t size = 0;
  for (const char c : text) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
    if (value == kNone) return false;
    bits = bits << 6 | value;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    buffer[size++] = static_cast<char>(bits >> have & 0xff);
  }
  out = {buffer.data(), size};
  return true;
}

}  // namespace leastwise
