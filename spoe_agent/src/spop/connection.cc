#include "spop/connection.h"

#include <algorithm>
#include <cstddef>

#include "spop/reader.h"
#include "spop/writer.h"

namespace leastwise::spop {
namespace {

// REQUIRES: kLengthSize bytes.
std::uint32_t read_length(Bytes bytes) noexcept { return Reader(bytes).u32(); }

bool has_type_of_haproxy(FrameType type) noexcept {
  return type == FrameType::kHaproxyHello || type == FrameType::kHaproxyDisconnect ||
         type == FrameType::kNotify;
}

}  // namespace

void Connection::feed(Bytes bytes, Buffer& output) noexcept {
  if (!partial_.empty()) bytes = complete_partial(bytes, output);
  while (!closing() && bytes.size() >= kLengthSize) {
    const std::uint32_t length = read_length(bytes);
    if (!is_acceptable(length, output)) return;
    if (bytes.size() - kLengthSize < length) break;
    on_frame(bytes.subspan(kLengthSize, length), output);
    bytes = bytes.subspan(kLengthSize + length);
  }
  if (!closing() && !partial_.append(bytes)) disconnect(StatusCode::kResource, output);
}

// Adds to the frame begun before, and handles it once it is complete. Returns what is left.
Bytes Connection::complete_partial(Bytes bytes, Buffer& output) noexcept {
  std::size_t wanted = kLengthSize;
  while (!closing()) {
    const std::size_t missing = wanted - std::min(wanted, partial_.size());
    const std::size_t taken = std::min(missing, bytes.size());
    if (!partial_.append(bytes.first(taken))) {
      disconnect(StatusCode::kResource, output);
      break;
    }
    bytes = bytes.subspan(taken);
    if (taken < missing) break;
    if (wanted > kLengthSize) {
      on_frame(partial_.bytes().subspan(kLengthSize), output);
      partial_.clear();
      break;
    }
    const std::uint32_t length = read_length(partial_.bytes());
    if (is_acceptable(length, output)) wanted += length;
  }
  return bytes;
}

void Connection::end_of_input(Buffer& output) noexcept {
  if (closing()) return;
  if (partial_.empty()) return close(StatusCode::kNormal);
  disconnect(StatusCode::kIoError, output);
}

void Connection::disconnect(StatusCode status, Buffer& output) noexcept {
  if (closing()) return;
  write_agent_disconnect(output, status);  // out of memory, it closes without a word
  close(status);
}

void Connection::close(StatusCode status) noexcept {
  state_ = State::kClosing;
  status_ = status;
}

// Judged as soon as the length is known: a peer of another protocol may never send the rest.
bool Connection::is_acceptable(std::uint32_t length, Buffer& output) noexcept {
  if (length > max_frame_size_) {
    disconnect(StatusCode::kFrameTooBig, output);
  } else if (length < kMinHeaderSize) {
    disconnect(StatusCode::kInvalidFrame, output);
  }
  return !closing();
}

void Connection::on_frame(Bytes frame, Buffer& output) noexcept {
  ++frames_;
  Reader reader(frame);
  const FrameHeader header = read_header(reader);
  if (!reader.ok()) return disconnect(StatusCode::kInvalidFrame, output);
  if (header.type == FrameType::kUnset) return disconnect(StatusCode::kFragmentation, output);
  if (!has_type_of_haproxy(header.type)) return disconnect(StatusCode::kInvalidFrame, output);
  if ((header.flags & kFlagFin) == 0) return disconnect(StatusCode::kFragmentation, output);
  switch (header.type) {
    case FrameType::kNotify:
      return on_notify(header, reader.rest(), output);
    case FrameType::kHaproxyHello:
      return on_haproxy_hello(header, reader.rest(), output);
    default:
      return on_haproxy_disconnect(reader.rest(), output);
  }
}

void Connection::on_haproxy_hello(const FrameHeader& header, Bytes payload,
                                  Buffer& output) noexcept {
  if (state_ != State::kHello || header.stream_id != 0 || header.frame_id != 0) {
    return disconnect(StatusCode::kInvalidFrame, output);
  }
  Hello hello;
  const StatusCode status = read_hello(payload, hello);
  if (status != StatusCode::kNormal) return disconnect(status, output);
  max_frame_size_ = std::min(max_frame_size_, hello.max_frame_size);
  if (!write_agent_hello(output, max_frame_size_, hello.has_pipelining)) {
    return close(StatusCode::kResource);
  }
  state_ = State::kOpen;
  handler_.on_hello(hello);
  if (hello.is_health_check) close(StatusCode::kNormal);  // without a DISCONNECT, as specified
}

void Connection::on_haproxy_disconnect(Bytes payload, Buffer& output) noexcept {
  Disconnect reason;
  if (!read_disconnect(payload, reason)) return disconnect(StatusCode::kInvalidFrame, output);
  handler_.on_disconnect(reason);
  disconnect(StatusCode::kNormal, output);
}

// The payload is walked once before the handler sees it, so that no handler acts on the first half
// of a frame whose second half is refused.
void Connection::on_notify(const FrameHeader& header, Bytes payload, Buffer& output) noexcept {
  const Messages messages(payload);
  if (state_ != State::kOpen || !is_well_formed(messages)) {
    return disconnect(StatusCode::kInvalidFrame, output);
  }
  Writer ack(output,
             {.type = FrameType::kAck, .stream_id = header.stream_id, .frame_id = header.frame_id},
             max_frame_size_);
  Actions actions(ack);
  if (ack.ok()) handler_.on_notify(messages, actions);
  if (!ack.finish()) disconnect(StatusCode::kResource, output);
}

}  // namespace leastwise::spop
