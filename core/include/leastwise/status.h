// Status: the result of an operation that can fail off the hot path.
#ifndef LEASTWISE_STATUS_H_
#define LEASTWISE_STATUS_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace leastwise {

// Carries its message inside, so that it never allocates, never throws and can
// cross the boundary to C. A message names what was wrong and what is accepted;
// the front end adds the file and the line. Longer messages are cut.
class [[nodiscard]] Status {
 public:
  enum class Code : std::uint8_t { kOk, kUnknownName, kBadValue, kOutOfRange, kNoMemory, kCorrupt };

  constexpr Status() noexcept = default;
  Status(Code code, std::initializer_list<std::string_view> message) noexcept;
  Status(Code code, std::string_view message) noexcept : Status(code, {message}) {}

  bool ok() const noexcept { return code_ == Code::kOk; }
  Code code() const noexcept { return code_; }
  // Null-terminated, "ok" when there is no error.
  const char* message() const noexcept { return ok() ? "ok" : message_.data(); }

 private:
  Code code_ = Code::kOk;
  std::array<char, 247> message_{};
};

}  // namespace leastwise

#endif  // LEASTWISE_STATUS_H_
