// Frames for tests, put together by a second encoder: what ours writes is compared with this one,
// and what it reads comes from this one.
#ifndef LEASTWISE_TESTS_SPOE_AGENT_SPOP_FRAMES_H_
#define LEASTWISE_TESTS_SPOE_AGENT_SPOP_FRAMES_H_

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "spop/buffer.h"
#include "spop/reader.h"
#include "spop/types.h"

namespace leastwise::spop::test {

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string as_string(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string hex(Bytes bytes) {
  std::string out;
  for (const std::uint8_t b : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", b);
    out += digits;
  }
  return out;
}
inline std::string unhex(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return out;
}

inline std::string byte(unsigned b) { return std::string(1, static_cast<char>(b)); }
inline std::string big_endian(std::uint32_t n) {
  return byte(n >> 24) + byte(n >> 16 & 255) + byte(n >> 8 & 255) + byte(n & 255);
}
inline std::string varint(std::uint64_t n) {
  if (n < 240) return byte(static_cast<unsigned>(n));
  std::string out = byte(240 + (n & 15));
  n = (n - 240) / 16;
  for (; n >= 128; n = (n - 128) / 128) out += byte(128 + (n & 127));
  return out + byte(static_cast<unsigned>(n));
}
inline std::string text(std::string_view s) { return varint(s.size()) + std::string(s); }

// Typed values.
inline std::string null() { return byte(0); }
inline std::string boolean(bool b) { return byte(b ? 0x11 : 0x01); }
inline std::string uint32(std::uint64_t n) { return byte(3) + varint(n); }
inline std::string int64(std::uint64_t n) { return byte(4) + varint(n); }
inline std::string str(std::string_view s) { return byte(8) + text(s); }

inline std::string frame_of(unsigned type, std::string_view payload, std::uint32_t flags = 1,
                            std::uint64_t stream_id = 0, std::uint64_t frame_id = 0) {
  const std::string body =
      byte(type) + big_endian(flags) + varint(stream_id) + varint(frame_id) + std::string(payload);
  return big_endian(static_cast<std::uint32_t>(body.size())) + body;
}

inline std::string hello(std::string_view capabilities = "pipelining,async",
                         std::uint32_t max_frame_size = 16380) {
  return frame_of(1, text("supported-versions") + str("2.0") + text("max-frame-size") +
                         uint32(max_frame_size) + text("capabilities") + str(capabilities));
}
inline std::string notify(std::string_view payload, std::uint64_t stream_id = 7,
                          std::uint64_t frame_id = 1) {
  return frame_of(3, payload, 1, stream_id, frame_id);
}
inline std::string ack(std::string_view actions, std::uint64_t stream_id = 7,
                       std::uint64_t frame_id = 1) {
  return frame_of(103, actions, 1, stream_id, frame_id);
}
inline std::string message(std::string_view name, const std::vector<std::string>& arguments) {
  std::string out = text(name) + byte(static_cast<unsigned>(arguments.size()));
  for (const std::string& argument : arguments) out += argument;
  return out;
}
inline std::string argument(std::string_view name, std::string_view value) {
  return text(name) + std::string(value);
}
inline std::string agent_hello(std::string_view capabilities = "pipelining",
                               std::uint32_t max_frame_size = 16380) {
  return frame_of(101, text("version") + str("2.0") + text("max-frame-size") +
                           uint32(max_frame_size) + text("capabilities") + str(capabilities));
}
inline std::string agent_disconnect(StatusCode status) {
  return frame_of(102, text("status-code") + uint32(static_cast<std::uint32_t>(status)) +
                           text("message") + str(describe(status)));
}

}  // namespace leastwise::spop::test

#endif  // LEASTWISE_TESTS_SPOE_AGENT_SPOP_FRAMES_H_
