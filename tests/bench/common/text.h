// Small readers of text: lists and numbers with bounds. Views point into the argument.
#ifndef LEASTWISE_TESTS_BENCH_COMMON_TEXT_H_
#define LEASTWISE_TESTS_BENCH_COMMON_TEXT_H_

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

namespace leastwise::bench {

// An empty text has no parts; "a," has two.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
    if (text.empty()) parts.push_back(text);
  }
  return parts;
}

// The whole text as a finite number from `least` to `most`, or nothing.
template <class Number>
std::optional<Number> number_in(std::string_view text, Number least, Number most) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  if (value < least || value > most) return std::nullopt;
  return value;
}

}  // namespace leastwise::bench

#endif  // LEASTWISE_TESTS_BENCH_COMMON_TEXT_H_
