// Reader: takes typed values off the front of a received frame, without copying.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_READER_H_
#define LEASTWISE_SPOE_AGENT_SPOP_READER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "spop/types.h"

namespace leastwise::spop {

// A cursor whose first failure sticks: after it every read returns an empty value, so a parser
// reads a whole record and asks ok() once. Every string returned is a view into the frame and
// lives as long as the frame.
//
// Bytes come from the network: no input makes it read outside of the frame. The short cases are
// inline, since they are nearly all of a frame: a NOTIFY is made of names and small numbers.
class Reader {
 public:
  explicit Reader(Bytes bytes) noexcept : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return at_ == end_; }
  Bytes rest() const noexcept { return {at_, end_}; }

  std::uint8_t byte() noexcept {
    if (at_ != end_) [[likely]]
      return *at_++;
    fail();
    return 0;
  }

  // Big endian, as flags and lengths are.
  std::uint32_t u32() noexcept;

  // Refuses what does not fit 64 bits. There is no other overlong form: every number has exactly
  // one encoding.
  std::uint64_t varint() noexcept {
    const std::uint8_t first = byte();
    return first < kFirstLong ? first : long_varint(first);
  }

  // A length, then as many bytes.
  std::string_view string() noexcept { return take(varint()); }

  // Refuses unknown types, and 32-bit integers that are not.
  Value value() noexcept {
    const std::uint8_t first = byte();
    const ValueType type = type_of(first);
    if (type == ValueType::kInt64) {
      const auto* begin = reinterpret_cast<const char*>(at_);
      const std::uint64_t number = varint();
      return {type, number, {begin, reinterpret_cast<const char*>(at_)}};
    }
    if (type == ValueType::kString) return {type, 0, string()};
    return rare_value(first);
  }
  void skip_value() noexcept {
    const std::uint8_t first = byte();
    const ValueType type = type_of(first);
    if (type == ValueType::kInt64) {
      varint();
    } else if (type == ValueType::kString) {
      string();
    } else if (type > ValueType::kBool) {
      rare_value(first);
    }
  }

 private:
  static constexpr std::uint8_t kFirstLong = 240;

  // A value begins with a byte that holds its type in the low half and flags in the high one. The
  // only flag there is, is the value of a boolean.
  static ValueType type_of(std::uint8_t first) noexcept {
    return static_cast<ValueType>(first & 0x0f);
  }
  static bool flag_of(std::uint8_t first) noexcept { return (first & 0x10) != 0; }

  std::string_view take(std::uint64_t n) noexcept {
    if (n > static_cast<std::uint64_t>(end_ - at_)) [[unlikely]] {
      fail();
      return {};
    }
    const auto* text = reinterpret_cast<const char*>(at_);
    at_ += n;
    return {text, static_cast<std::size_t>(n)};
  }
  std::uint64_t long_varint(std::uint8_t first) noexcept;
  // A value of a type that HAProxy's arguments seldom have.
  Value rare_value(std::uint8_t first) noexcept;
  void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

FrameHeader read_header(Reader& reader) noexcept;

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_READER_H_
