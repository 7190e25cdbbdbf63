// One frame without its length: whatever is read lies inside of it, reading and skipping agree, and
// what was read is written back as the same bytes.
#include <cstdlib>
#include <string_view>

#include "spop/buffer.h"
#include "spop/handshake.h"
#include "spop/messages.h"
#include "spop/pick_message.h"
#include "spop/reader.h"
#include "spop/writer.h"

namespace {

using namespace leastwise::spop;

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_inside(std::string_view view, Bytes frame) {
  const auto* begin = reinterpret_cast<const char*>(frame.data());
  return view.empty() ||
         (view.data() >= begin && view.data() + view.size() <= begin + frame.size());
}

// The number of arguments, or -1 if the payload is malformed.
int walk(Messages messages, Bytes frame) {
  int count = 0;
  for (std::string_view name; messages.next(name);) {
    require(is_inside(name, frame));
    for (Argument argument; messages.next(argument); ++count) {
      require(is_inside(argument.name, frame) && is_inside(argument.value.bytes, frame));
    }
  }
  return messages.ok() ? count : -1;
}

void check_pick(Messages messages, Bytes frame) {
  static PickMessage pick;  // reused, as an agent does
  if (!pick.read(messages)) return;
  for (const std::string_view view : {pick.id(), pick.backend(), pick.route(), pick.method(),
                                      pick.path(), pick.key(), pick.src().bytes}) {
    require(is_inside(view, frame));
  }
  require(pick.servers().size() < 256);
  for (const ServerLoad& load : pick.servers()) require(is_inside(load.name, frame));
}

// Values have one encoding each, but for the unused flags above a type.
void check_value_round_trip(Bytes bytes) {
  Reader reader(bytes);
  const Value value = reader.value();
  if (!reader.ok()) return;
  const Bytes read = bytes.first(bytes.size() - reader.rest().size());
  Buffer buffer;
  Writer writer(buffer, {.type = FrameType::kAck}, kMinHeaderSize + read.size());
  const std::size_t before = writer.mark();
  writer.value(value);
  require(writer.ok() && writer.mark() - before == read.size() && writer.finish());
  const Bytes written = buffer.bytes().subspan(before);
  require((written[0] & 0x0f) == (read[0] & 0x0f));
  for (std::size_t i = 1; i < read.size(); ++i) require(written[i] == read[i]);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes frame(data, size);
  check_value_round_trip(frame);
  Reader reader(frame);
  read_header(reader);
  if (!reader.ok()) return 0;
  const Messages messages(reader.rest());
  require((walk(messages, frame) >= 0) == is_well_formed(messages));
  check_pick(messages, frame);
  Hello hello;
  if (read_hello(reader.rest(), hello) == StatusCode::kNormal) {
    require(hello.max_frame_size >= kMinFrameSize && is_inside(hello.engine_id, frame));
  }
  Disconnect disconnect;
  if (read_disconnect(reader.rest(), disconnect)) require(is_inside(disconnect.message, frame));
  return 0;
}
