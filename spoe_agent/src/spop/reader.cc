#include "spop/reader.h"

#include <limits>

namespace leastwise::spop {
namespace {

bool fits(ValueType type, std::uint64_t number) noexcept {
  if (type == ValueType::kUint32) return number <= std::numeric_limits<std::uint32_t>::max();
  if (type != ValueType::kInt32) return true;
  const auto n = static_cast<std::int64_t>(number);
  return n >= std::numeric_limits<std::int32_t>::min() &&
         n <= std::numeric_limits<std::int32_t>::max();
}

}  // namespace

std::uint32_t Reader::u32() noexcept {
  const std::string_view text = take(4);
  if (text.empty()) return 0;
  const auto at = [text](std::size_t i) {
    return std::uint32_t{static_cast<std::uint8_t>(text[i])};
  };
  return at(0) << 24 | at(1) << 16 | at(2) << 8 | at(3);  // one load, once compiled
}

// The first byte gives its four low bits above 240, each further byte seven, least significant
// first, until one is below 128.
std::uint64_t Reader::long_varint(std::uint8_t first) noexcept {
  std::uint64_t number = first;
  for (unsigned shift = 4; shift <= 60; shift += 7) {
    const std::uint64_t b = byte();
    if (shift == 60 && b > 15) break;  // would shift bits out
    if (__builtin_add_overflow(number, b << shift, &number)) break;
    if (b < 128) return number;
  }
  fail();
  return 0;
}

Value Reader::rare_value(std::uint8_t first) noexcept {
  const ValueType type = type_of(first);
  switch (type) {
    case ValueType::kNull:
      return {};
    case ValueType::kBool:
      return Value::boolean(flag_of(first));
    case ValueType::kInt32:
    case ValueType::kUint32:
    case ValueType::kInt64:
    case ValueType::kUint64: {
      const auto* begin = reinterpret_cast<const char*>(at_);
      const std::uint64_t number = varint();
      if (!fits(type, number)) break;
      return {type, number, {begin, reinterpret_cast<const char*>(at_)}};
    }
    case ValueType::kIpv4:
      return {type, 0, take(4)};
    case ValueType::kIpv6:
      return {type, 0, take(16)};
    case ValueType::kString:
    case ValueType::kBinary:
      return {type, 0, string()};
  }
  fail();
  return {};
}

FrameHeader read_header(Reader& reader) noexcept {
  FrameHeader header;
  header.type = static_cast<FrameType>(reader.byte());
  header.flags = reader.u32();
  header.stream_id = reader.varint();
  header.frame_id = reader.varint();
  return header;
}

}  // namespace leastwise::spop
