#include "spop/handshake.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "spop/reader.h"
#include "spop/writer.h"

namespace leastwise::spop {
namespace {

constexpr std::string_view kVersion = "2.0";
constexpr std::string_view kPipelining = "pipelining";

// Present, absent, or of whatever type the peer chose.
struct HelloItems {
  std::optional<Value> versions;
  std::optional<Value> max_frame_size;
  std::optional<Value> capabilities;
  std::optional<Value> health_check;
  std::optional<Value> engine_id;
};

// Keys are compared whole: comparing as many bytes as were received would take "ver" for a key.
bool read_items(Bytes payload, HelloItems& items) noexcept {
  Reader reader(payload);
  while (reader.ok() && !reader.at_end()) {
    const std::string_view key = reader.string();
    const Value value = reader.value();
    if (key == "supported-versions") {
      items.versions = value;
    } else if (key == "max-frame-size") {
      items.max_frame_size = value;
    } else if (key == "capabilities") {
      items.capabilities = value;
    } else if (key == "healthcheck") {
      items.health_check = value;
    } else if (key == "engine-id") {
      items.engine_id = value;
    }
  }
  return reader.ok();
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// Whether an entry of a comma-separated list satisfies `matches`.
template <typename Predicate>
bool any_entry(std::string_view list, Predicate matches) noexcept {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (matches(trim(list.substr(0, comma)))) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

// A peer that announces 2.N also speaks the minor versions below N.
bool includes_ours(std::string_view version) noexcept {
  constexpr std::string_view kMajor = "2.";
  if (!version.starts_with(kMajor) || version.size() == kMajor.size()) return false;
  version.remove_prefix(kMajor.size());
  return version.find_first_not_of("0123456789") == std::string_view::npos;
}

StatusCode read_version(const std::optional<Value>& versions) noexcept {
  if (!versions) return StatusCode::kNoVersion;
  if (!versions->is_string() || !any_entry(versions->bytes, includes_ours)) {
    return StatusCode::kUnsupportedVersion;
  }
  return StatusCode::kNormal;
}

StatusCode read_size(const std::optional<Value>& item, std::uint32_t& size) noexcept {
  if (!item) return StatusCode::kNoMaxFrameSize;
  const std::optional<std::uint64_t> number = item->natural();
  if (!number || *number < kMinFrameSize || *number > std::numeric_limits<std::uint32_t>::max()) {
    return StatusCode::kBadMaxFrameSize;
  }
  size = static_cast<std::uint32_t>(*number);
  return StatusCode::kNormal;
}

StatusCode read_capabilities(const std::optional<Value>& item, bool& has_pipelining) noexcept {
  if (!item) return StatusCode::kNoCapabilities;
  if (!item->is_string()) return StatusCode::kInvalidFrame;
  has_pipelining =
      any_entry(item->bytes, [](std::string_view entry) { return entry == kPipelining; });
  return StatusCode::kNormal;
}

}  // namespace

StatusCode read_hello(Bytes payload, Hello& hello) noexcept {
  HelloItems items;
  if (!read_items(payload, items)) return StatusCode::kInvalidFrame;
  StatusCode status = read_version(items.versions);
  if (status == StatusCode::kNormal) status = read_size(items.max_frame_size, hello.max_frame_size);
  if (status == StatusCode::kNormal) {
    status = read_capabilities(items.capabilities, hello.has_pipelining);
  }
  if (status != StatusCode::kNormal) return status;
  if (items.health_check) {
    if (!items.health_check->is_bool()) return StatusCode::kInvalidFrame;
    hello.is_health_check = items.health_check->number != 0;
  }
  if (items.engine_id && items.engine_id->is_string()) hello.engine_id = items.engine_id->bytes;
  return StatusCode::kNormal;
}

bool read_disconnect(Bytes payload, Disconnect& disconnect) noexcept {
  disconnect.status = static_cast<std::uint64_t>(StatusCode::kUnknown);
  Reader reader(payload);
  while (reader.ok() && !reader.at_end()) {
    const std::string_view key = reader.string();
    const Value value = reader.value();
    if (key == "status-code") {
      disconnect.status = value.natural().value_or(disconnect.status);
    } else if (key == "message" && value.is_string()) {
      disconnect.message = value.bytes;
    }
  }
  return reader.ok();
}

bool write_agent_hello(Buffer& output, std::uint32_t max_frame_size, bool has_pipelining) noexcept {
  Writer writer(output, {.type = FrameType::kAgentHello}, kMinFrameSize);
  writer.item("version", Value::string(kVersion));
  writer.item("max-frame-size", Value::uint32(max_frame_size));
  writer.item("capabilities", Value::string(has_pipelining ? kPipelining : std::string_view()));
  return writer.finish();
}

bool write_agent_disconnect(Buffer& output, StatusCode status) noexcept {
  Writer writer(output, {.type = FrameType::kAgentDisconnect}, kMinFrameSize);
  writer.item("status-code", Value::uint32(static_cast<std::uint32_t>(status)));
  writer.item("message", Value::string(describe(status)));
  return writer.finish();
}

}  // namespace leastwise::spop
