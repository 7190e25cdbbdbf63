#include "spop/writer.h"

#include <cstring>
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
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    byte(static_cast<std::uint8_t>(number >> (shift - 8)));
  }
}

void Writer::varint(std::uint64_t number) noexcept {
  if (number < 240) return byte(static_cast<std::uint8_t>(number));
  byte(static_cast<std::uint8_t>(number | 240));
  for (number = (number - 240) >> 4; number >= 128; number = (number - 128) >> 7) {
    byte(static_cast<std::uint8_t>(number | 128));
  }
  byte(static_cast<std::uint8_t>(number));
}

void Writer::raw(std::string_view bytes) noexcept {
  if (bytes.size() > static_cast<std::size_t>(end_ - at_)) {
    ok_ = false;
  } else if (!bytes.empty()) {  // memcpy from a null pointer is undefined even for no bytes
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
}

void Writer::string(std::string_view text) noexcept {
  varint(text.size());
  raw(text);
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
