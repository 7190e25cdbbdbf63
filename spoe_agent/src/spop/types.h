// The vocabulary of SPOP 2.0 (section 3 of HAProxy's doc/SPOE.txt): numbers and names, no logic.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_TYPES_H_
#define LEASTWISE_SPOE_AGENT_SPOP_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace leastwise::spop {

using Bytes = std::span<const std::uint8_t>;

// A frame's size never counts the four bytes of length in front of it.
inline constexpr std::size_t kLengthSize = 4;
inline constexpr std::size_t kMinHeaderSize = 7;     // type, flags, two identifiers of one byte
inline constexpr std::uint32_t kMinFrameSize = 256;  // what both sides must at least support
inline constexpr std::uint32_t kMaxFrameSize =
    16380;  // HAProxy's default: a buffer less the length

enum class FrameType : std::uint8_t {
  kUnset = 0,  // a further fragment; we never announce fragmentation
  kHaproxyHello = 1,
  kHaproxyDisconnect = 2,
  kNotify = 3,
  kAgentHello = 101,
  kAgentDisconnect = 102,
  kAck = 103,
};

inline constexpr std::uint32_t kFlagFin = 1;

struct FrameHeader {
  FrameType type{};
  std::uint32_t flags = kFlagFin;
  std::uint64_t stream_id = 0;
  std::uint64_t frame_id = 0;
};

enum class StatusCode : std::uint32_t {
  kNormal = 0,
  kIoError = 1,
  kTimeout = 2,
  kFrameTooBig = 3,
  kInvalidFrame = 4,
  kNoVersion = 5,
  kNoMaxFrameSize = 6,
  kNoCapabilities = 7,
  kUnsupportedVersion = 8,
  kBadMaxFrameSize = 9,
  kFragmentation = 10,
  kInterlacedFrames = 11,
  kUnknownFrameId = 12,
  kResource = 13,
  kUnknown = 99,
};

// For the message of a DISCONNECT and for logs.
std::string_view describe(StatusCode code) noexcept;

enum class Scope : std::uint8_t { kProcess, kSession, kTransaction, kRequest, kResponse };

enum class ValueType : std::uint8_t {
  kNull,  // what HAProxy sends when a sample fetch has no result
  kBool,
  kInt32,
  kUint32,
  kInt64,  // what HAProxy sends for any integer
  kUint64,
  kIpv4,
  kIpv6,
  kString,
  kBinary,
};

// One typed value. It owns nothing: `bytes` points into the frame it was read from, or into what
// the writer of it keeps alive.
struct Value {
  ValueType type = ValueType::kNull;
  std::uint64_t number = 0;  // booleans and integers; signed ones in two's complement
  // Text, binary, or an address in network order. In a value that was read, also the encoded form
  // of an integer: it is unique, so any value can serve as a key by its bytes.
  std::string_view bytes;

  static constexpr Value boolean(bool b) noexcept { return {ValueType::kBool, b ? 1U : 0U, {}}; }
  static constexpr Value int32(std::int32_t n) noexcept {
    return {ValueType::kInt32, static_cast<std::uint64_t>(std::int64_t{n}), {}};
  }
  static constexpr Value uint32(std::uint32_t n) noexcept { return {ValueType::kUint32, n, {}}; }
  static constexpr Value int64(std::int64_t n) noexcept {
    return {ValueType::kInt64, static_cast<std::uint64_t>(n), {}};
  }
  static constexpr Value uint64(std::uint64_t n) noexcept { return {ValueType::kUint64, n, {}}; }
  static constexpr Value string(std::string_view s) noexcept { return {ValueType::kString, 0, s}; }
  static constexpr Value binary(std::string_view s) noexcept { return {ValueType::kBinary, 0, s}; }
  // REQUIRES: 4 or 16 bytes in network order.
  static constexpr Value ipv4(std::string_view s) noexcept { return {ValueType::kIpv4, 0, s}; }
  static constexpr Value ipv6(std::string_view s) noexcept { return {ValueType::kIpv6, 0, s}; }

  constexpr bool is_string() const noexcept { return type == ValueType::kString; }
  constexpr bool is_bool() const noexcept { return type == ValueType::kBool; }
  constexpr bool is_integer() const noexcept {
    return type >= ValueType::kInt32 && type <= ValueType::kUint64;
  }
  constexpr bool is_negative() const noexcept {
    return (type == ValueType::kInt32 || type == ValueType::kInt64) && number >> 63 != 0;
  }
  // An integer that is not negative, whatever its type.
  constexpr std::optional<std::uint64_t> natural() const noexcept {
    if (!is_integer() || is_negative()) return std::nullopt;
    return number;
  }
};

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_TYPES_H_
