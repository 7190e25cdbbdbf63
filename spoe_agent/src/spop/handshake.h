// The HELLO that opens a connection and the DISCONNECT that ends it, as pure functions.
#ifndef LEASTWISE_SPOE_AGENT_SPOP_HANDSHAKE_H_
#define LEASTWISE_SPOE_AGENT_SPOP_HANDSHAKE_H_

#include <cstdint>
#include <string_view>

#include "spop/buffer.h"
#include "spop/types.h"

namespace leastwise::spop {

// What HAProxy says of itself. Views live as long as the frame.
struct Hello {
  std::uint32_t max_frame_size = 0;  // 256 or more; what it offers, not what is agreed
  bool has_pipelining = false;
  bool is_health_check = false;
  std::string_view engine_id;  // empty in a health check
};

// Why HAProxy leaves. A missing code reads as kUnknown.
struct Disconnect {
  std::uint64_t status = 0;
  std::string_view message;
};

// Reads the payload of a HAPROXY-HELLO. kNormal, or the code to refuse it with:
//   4  an undecodable list; capabilities not a string; healthcheck not a boolean
//   5  no supported-versions            8  none of major version 2, or not a string
//   6  no max-frame-size                9  below 256, or not an integer
//   7  no capabilities
// Unknown keys are ignored, of a repeated key the last counts. A version "2.N" includes 2.0.
StatusCode read_hello(Bytes payload, Hello& hello) noexcept;

// Reads the payload of a HAPROXY-DISCONNECT. False if it is undecodable.
bool read_disconnect(Bytes payload, Disconnect& disconnect) noexcept;

// False when memory is exhausted.
bool write_agent_hello(Buffer& output, std::uint32_t max_frame_size, bool has_pipelining) noexcept;
bool write_agent_disconnect(Buffer& output, StatusCode status) noexcept;

}  // namespace leastwise::spop

#endif  // LEASTWISE_SPOE_AGENT_SPOP_HANDSHAKE_H_
