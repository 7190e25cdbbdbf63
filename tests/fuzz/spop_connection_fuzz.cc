// A whole connection: the answers are well-formed frames in an order that the protocol allows, and
// do not depend on how the stream was split. The first byte of the input chooses the split.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "spop/connection.h"
#include "spop/pick_message.h"
#include "spop/reader.h"

namespace {

using namespace leastwise::spop;

void require(bool condition) {
  if (!condition) std::abort();
}

class Echo : public Handler {
 public:
  void on_notify(Messages messages, Actions& actions) noexcept override {
    ++notified;
    if (pick_.read(messages)) {
      actions.set_var(Scope::kTransaction, "srv", pick_.backend());
      actions.set_var(Scope::kTransaction, "src", pick_.src());
    }
    for (std::string_view name; messages.next(name);) {
      for (Argument argument; messages.next(argument);) {
        actions.set_var(Scope::kRequest, argument.name, argument.value);
      }
    }
    require(messages.ok());
  }

  unsigned notified = 0;

 private:
  PickMessage pick_;
};

void check_actions(Reader& reader) {
  while (!reader.at_end()) {
    require(reader.byte() == 1 && reader.byte() == 3 && reader.byte() <= 4);
    reader.string();
    reader.skip_value();
    require(reader.ok());
  }
}

// Checks one frame of the output; its type.
FrameType check_frame(Bytes frame) {
  Reader reader(frame);
  const FrameHeader header = read_header(reader);
  require(reader.ok() && header.flags == kFlagFin);
  if (header.type == FrameType::kAck) {
    check_actions(reader);
    return header.type;
  }
  require(header.type == FrameType::kAgentHello || header.type == FrameType::kAgentDisconnect);
  require(header.stream_id == 0 && header.frame_id == 0);
  while (!reader.at_end()) {
    reader.string();
    reader.skip_value();
    require(reader.ok());
  }
  return header.type;
}

// HELLO first and once, one ACK for each NOTIFY, DISCONNECT last.
void check_output(Bytes output, const Connection& connection, unsigned notified) {
  unsigned acks = 0;
  for (bool is_first = true; !output.empty(); is_first = false) {
    Reader reader(output);
    const std::uint32_t length = reader.u32();
    require(reader.ok() && length <= reader.rest().size());
    require(length <= std::max(connection.max_frame_size(), kMinFrameSize));
    const FrameType type = check_frame(output.subspan(kLengthSize, length));
    output = output.subspan(kLengthSize + length);
    if (type == FrameType::kAgentHello) require(is_first);
    if (type == FrameType::kAck) require(!is_first && ++acks > 0);
    if (type == FrameType::kAgentDisconnect) require(output.empty() && connection.closing());
  }
  require(acks == notified);
}

void run(Bytes input, std::size_t piece, Buffer& output) {
  Echo handler;
  Connection connection(handler);
  while (!input.empty()) {
    const std::size_t size = std::min(piece, input.size());
    connection.feed(input.first(size), output);
    input = input.subspan(size);
  }
  connection.end_of_input(output);
  require(connection.closing());
  check_output(output.bytes(), connection, handler.notified);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input(data + 1, size - 1);
  Buffer whole;
  Buffer pieces;
  run(input, size, whole);
  run(input, data[0] % 64 + 1U, pieces);
  require(std::ranges::equal(whole.bytes(), pieces.bytes()));
  return 0;
}
