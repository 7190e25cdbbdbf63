// Base64 of RFC 4648 §4, with or without padding.
#ifndef LEASTWISE_REPORTS_BASE64_H_
#define LEASTWISE_REPORTS_BASE64_H_

#include <span>
#include <string_view>

namespace leastwise {

// Decodes into `buffer`; `out` is a view of it. False when the text is not base64 or does not fit.
bool decode_base64(std::string_view text, std::span<char> buffer, std::string_view& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_REPORTS_BASE64_H_
