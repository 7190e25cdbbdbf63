#include "probes/grpc.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <protozero/pbf_reader.hpp>

namespace leastwise::probes {
namespace {

constexpr std::uint32_t kServing = 1;

GrpcCall& call_of(void* data) noexcept { return *static_cast<GrpcCall*>(data); }

nghttp2_nv field(std::string_view name, std::string_view value) noexcept {
  // Only read, and copied: the flags do not say otherwise.
  const auto bytes = [](std::string_view s) noexcept {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(s.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// 0 when it is none.
std::uint32_t number(std::string_view text) noexcept {
  std::uint32_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

}  // namespace

GrpcCall::~GrpcCall() { nghttp2_session_del(session_); }

nghttp2_session_callbacks* GrpcCall::make_callbacks() noexcept {
  nghttp2_session_callbacks* made = nullptr;
  if (nghttp2_session_callbacks_new(&made) != 0) return nullptr;
  nghttp2_session_callbacks_set_on_header_callback(
      made, [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t n,
               const std::uint8_t* value, std::size_t m, std::uint8_t, void* self) noexcept {
        call_of(self).note_header({reinterpret_cast<const char*>(name), n},
                                  {reinterpret_cast<const char*>(value), m});
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      made, [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data,
               std::size_t size, void* self) noexcept {
        GrpcCall& call = call_of(self);
        size = std::min(size, kMostRead - call.read_size_);  // the rest is no answer of ours
        std::memcpy(call.read_.data() + call.read_size_, data, size);
        call.read_size_ += size;
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      made, [](nghttp2_session*, std::int32_t, std::uint32_t error, void* self) noexcept {
        GrpcCall& call = call_of(self);
        if (call.result_) return 0;
        const bool is_whole = error == NGHTTP2_NO_ERROR || call.grpc_status_ != kUnknown;
        call.result_ = is_whole ? call.judge() : ProbeResult{ProbeFault::kReset};
        return 0;
      });
  nghttp2_session_callbacks_set_error_callback2(
      made, [](nghttp2_session*, int error, const char*, std::size_t, void* self) noexcept {
        if (error == NGHTTP2_ERR_SETTINGS_EXPECTED) call_of(self).result_ = {ProbeFault::kNoHttp};
        return 0;
      });
  return made;
}

bool GrpcCall::begin(std::string_view host) noexcept {
  nghttp2_session_callbacks* callbacks = make_callbacks();
  if (callbacks == nullptr) return false;
  const int made = nghttp2_session_client_new(&session_, callbacks, this);
  nghttp2_session_callbacks_del(callbacks);
  if (made != 0) return false;
  write_message();
  const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, &entry, 1);
  const std::array fields{field(":method", "POST"),
                          field(":scheme", settings_.tls ? "https" : "http"),
                          field(":path", "/grpc.health.v1.Health/Check"),
                          field(":authority", settings_.host.empty() ? host : settings_.host),
                          field("content-type", "application/grpc"),
                          field("te", "trailers"),
                          field("user-agent", "leastwise-probe")};
  nghttp2_data_provider body{};
  body.source.ptr = this;
  body.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t room,
                          std::uint32_t* flags, nghttp2_data_source* source, void*) noexcept {
    GrpcCall& call = call_of(source->ptr);
    const std::size_t n = std::min(room, call.sent_size_ - call.sent_at_);
    std::memcpy(out, call.sent_.data() + call.sent_at_, n);
    call.sent_at_ += n;
    if (call.sent_at_ == call.sent_size_) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(n);
  };
  return nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &body, nullptr) >
         0;
}

// HealthCheckRequest{service = 1}: a message that is empty when there is none. A name of at most
// 255 bytes has a length of one byte below 128, or else of two.
void GrpcCall::write_message() noexcept {
  const std::string_view service = settings_.service;
  char* end = sent_.data() + kPrefix;
  if (!service.empty()) {
    *end++ = '\x0a';  // field 1, length-delimited
    if (service.size() >= 128) *end++ = static_cast<char>(service.size() % 128 + 128);
    *end++ = static_cast<char>(service.size() >= 128 ? service.size() / 128 : service.size());
    end += service.copy(end, service.size());
  }
  sent_size_ = static_cast<std::size_t>(end - sent_.data());
  const std::size_t size = sent_size_ - kPrefix;
  sent_[0] = sent_[1] = sent_[2] = 0;
  sent_[3] = static_cast<char>(size / 256);
  sent_[4] = static_cast<char>(size % 256);
}

std::string_view GrpcCall::to_send() noexcept {
  const std::uint8_t* data = nullptr;
  const ssize_t n = nghttp2_session_mem_send(session_, &data);
  if (n <= 0) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(n)};
}

std::optional<ProbeResult> GrpcCall::read(std::string_view part) noexcept {
  if (result_) return result_;
  const std::size_t room = ProbeSettings::kMostAnswer - total_;
  const bool is_too_much = part.size() > room;
  part = part.substr(0, room);
  total_ += part.size();
  const ssize_t n = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(part.data()), part.size());
  if (result_) return result_;
  if (n < 0) result_ = {ProbeFault::kNoHttp};
  if (!result_ && is_too_much) result_ = {ProbeFault::kTooMuch};
  return result_;
}

ProbeResult GrpcCall::end() noexcept { return result_.value_or(ProbeResult{ProbeFault::kClosed}); }

void GrpcCall::note_header(std::string_view name, std::string_view value) noexcept {
  if (name == ":status") http_status_ = number(value);
  if (name == "grpc-status") grpc_status_ = number(value);
}

ProbeResult GrpcCall::judge() const noexcept {
  constexpr std::uint32_t kOk = 200;
  if (http_status_ != kOk) return {ProbeFault::kStatus, http_status_};
  if (grpc_status_ == kUnknown) return {ProbeFault::kClosed};
  if (grpc_status_ != 0) return {ProbeFault::kGrpcStatus, grpc_status_};
  const std::uint32_t status = serving_status();
  return status == kServing ? ProbeResult{} : ProbeResult{ProbeFault::kNotServing, status};
}

// HealthCheckResponse{status = 1}; 0, unknown, when there is none.
std::uint32_t GrpcCall::serving_status() const noexcept {
  if (read_size_ < kPrefix || read_[0] != 0) return 0;
  try {
    protozero::pbf_reader message(read_.data() + kPrefix, read_size_ - kPrefix);
    while (message.next()) {
      if (message.tag() == 1 && message.wire_type() == protozero::pbf_wire_type::varint) {
        return message.get_uint32();
      }
      message.skip();
    }
  } catch (...) {  // no message of protobuf's
  }
  return 0;
}

}  // namespace leastwise::probes
