#include "spop/writer.h"

#include <span>

namespace leastwise::spop {
namespace {

constexpr std::uint8_t kTrue = 0x10;  // the flag above the type of a boolean

}  // namespace

Writer::Writer(Buffer& buffer, const FrameHeader& header, std::size_t max_size) noexcept
    : buffer_(buffer) {
  const std::span<std::uint8_t> room = buffer.room(kLengthSize + max_size);
  if (room.empty()) return;
  ok_ = true;
  start_ = room.data();
  at_ = start_ + kLengthSize;
  end_ = at_ + max_size;
  byte(static_cast<std::uint8_t>(header.type));
  u32(header.flags);
  varint(header.stream_id);
  varint(header.frame_id);
}

void Writer::u32(std::uint32_t number) noexcept {
  const auto part = [number](unsigned shift) { return static_cast<char>(number >> shift & 255); };
  const char bytes[] = {part(24), part(16), part(8), part(0)};
  raw({bytes, sizeof bytes});
}

void Writer::long_varint(std::uint64_t number) noexcept {
  byte(static_cast<std::uint8_t>(number | kFirstLong));
  for (number = (number - kFirstLong) >> 4; number >= 128; number = (number - 128) >> 7) {
    byte(static_cast<std::uint8_t>(number | 128));
  }
  byte(static_cast<std::uint8_t>(number));
}

void Writer::value(const Value& value) noexcept {
  const auto type = static_cast<std::uint8_t>(value.type);
  switch (value.type) {
    case ValueType::kNull:
      return byte(type);
    case ValueType::kBool:
      return byte(value.number != 0 ? type | kTrue : type);
    case ValueType::kInt32:
    case ValueType::kUint32:
    case ValueType::kInt64:
    case ValueType::kUint64:
      byte(type);
      return varint(value.number);
    case ValueType::kIpv4:
    case ValueType::kIpv6:
      byte(type);
      return raw(value.bytes);
    case ValueType::kString:
    case ValueType::kBinary:
      byte(type);
      return string(value.bytes);
  }
}

void Writer::item(std::string_view key, const Value& value) noexcept {
  string(key);
  this->value(value);
}

bool Writer::finish() noexcept {
  if (!ok_) return false;
  const std::size_t size = mark();
  at_ = start_;
  u32(static_cast<std::uint32_t>(size - kLengthSize));
  buffer_.commit(size);
  return true;
}

}  // namespace leastwise::spop
