// Reading of whole numbers.
#ifndef LEASTWISE_SRC_TUNE_NUMBER_H_
#define LEASTWISE_SRC_TUNE_NUMBER_H_

#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace leastwise {

// False, and `out` as it was, unless all of `text` is a number of that range.
inline bool read_number(std::string_view text, std::uint32_t least, std::uint32_t most,
                        std::uint32_t& out) noexcept {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return false;
  if (number < least || number > most) return false;
  out = number;
  return true;
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_TUNE_NUMBER_H_
