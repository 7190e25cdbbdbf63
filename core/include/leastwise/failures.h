// Failures: which whole answers say that the server failed.
#ifndef LEASTWISE_FAILURES_H_
#define LEASTWISE_FAILURES_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "leastwise/status.h"

namespace leastwise {

inline constexpr std::int32_t kNoGrpcStatus = -1;

// Of a grpc-status header or trailer. What is no number, or none of gRPC's, is 2 (UNKNOWN), as its
// specification has it.
std::int32_t read_grpc_status(std::string_view text) noexcept;

// Always: HTTP 500 and above, and of gRPC, whose failures come with HTTP 200, CANCELLED (1),
// UNKNOWN (2), DEADLINE_EXCEEDED (4), RESOURCE_EXHAUSTED (8), INTERNAL (13) and UNAVAILABLE (14);
// the other codes are answers, as 404 is. Beside them, what was added.
class Failures {
 public:
  // Adds "http_429" or "grpc_7". On error nothing is changed.
  Status add(std::string_view text) noexcept;

  // `grpc` is kNoGrpcStatus where the answer had none.
  bool contains(std::uint16_t http, std::int32_t grpc) const noexcept;

  static constexpr std::uint32_t kLeastHttp = 200, kMostHttp = 599, kMostGrpc = 16;

 private:
  std::array<std::uint64_t, kMostHttp / 64 + 1> http_{};
  std::uint32_t grpc_ = 0;
};

}  // namespace leastwise

#endif  // LEASTWISE_FAILURES_H_
