// gRPC's health check of a probe: one call of grpc.health.v1.Health/Check over HTTP/2. The frames
// are nghttp2's, which allocates; messages are protozero's.
#ifndef LEASTWISE_PROBES_GRPC_H_
#define LEASTWISE_PROBES_GRPC_H_

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "leastwise/probe.h"

namespace leastwise::probes {

class GrpcCall {
 public:
  // What outlives it: `settings`, and `host` until begin() returns.
  explicit GrpcCall(const ProbeSettings& settings) noexcept : settings_(settings) {}
  ~GrpcCall();
  GrpcCall(const GrpcCall&) = delete;
  GrpcCall& operator=(const GrpcCall&) = delete;

  // False when memory ran out.
  bool begin(std::string_view host) noexcept;
  // What is to be sent next, good until the next call of anything; empty: nothing now.
  std::string_view to_send() noexcept;
  // The next part of the answer. Without a result there is more to read, or to send.
  std::optional<ProbeResult> read(std::string_view part) noexcept;
  // The server closed the connection.
  ProbeResult end() noexcept;

 private:
  static constexpr std::size_t kPrefix = 5;      // of a message of gRPC: compressed or not, length
  static constexpr std::size_t kMostSent = 272;  // prefix, tag, length, and 255 bytes of service
  static constexpr std::size_t kMostRead = 64;

  static nghttp2_session_callbacks* make_callbacks() noexcept;
  void write_message() noexcept;
  void note_header(std::string_view name, std::string_view value) noexcept;
  ProbeResult judge() const noexcept;
  std::uint32_t serving_status() const noexcept;

  const ProbeSettings& settings_;
  nghttp2_session* session_ = nullptr;
  std::optional<ProbeResult> result_;
  std::size_t total_ = 0;
  std::uint32_t http_status_ = 0;
  std::uint32_t grpc_status_ = kUnknown;
  std::array<char, kMostSent> sent_;
  std::size_t sent_size_ = 0, sent_at_ = 0;
  std::array<char, kMostRead> read_;
  std::size_t read_size_ = 0;

  static constexpr std::uint32_t kUnknown = 0xffffffff;  // the answer has none
};

}  // namespace leastwise::probes

#endif  // LEASTWISE_PROBES_GRPC_H_
