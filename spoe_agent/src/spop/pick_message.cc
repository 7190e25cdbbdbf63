#include "spop/pick_message.h"

#include <limits>

namespace leastwise::spop {
namespace {

std::optional<std::uint32_t> count_of(const Value& value) noexcept {
  const std::optional<std::uint64_t> number = value.natural();
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

void set_string(std::string_view& field, const Value& value) noexcept {
  if (value.is_string()) field = value.bytes;
}

void set_bytes(std::string_view& field, const Value& value) noexcept {
  if (!value.bytes.empty()) field = value.bytes;
}

bool is_address(const Value& value) noexcept {
  return value.type == ValueType::kIpv4 || value.type == ValueType::kIpv6;
}

}  // namespace

bool PickMessage::read(Messages messages) noexcept {
  for (std::string_view name; messages.next(name);) {
    if (name != kName) continue;
    read_arguments(messages);
    return messages.ok() && !backend_.empty();
  }
  return false;
}

void PickMessage::read_arguments(Messages& messages) noexcept {
  id_ = backend_ = route_ = key_ = {};
  src_ = {};
  count_ = 0;
  expected_ = {};
  for (Argument argument; messages.next(argument);) set(argument);
}

void PickMessage::set(const Argument& argument) noexcept {
  const auto& [name, value] = argument;
  if (name.size() > 2 && name[1] == '_') {
    set_load(name[0], name.substr(2), value);
  } else if (name == "id") {
    set_string(id_, value);
  } else if (name == "backend") {
    set_string(backend_, value);
  } else if (name == "route") {
    set_bytes(route_, value);
  } else if (name == "key") {
    set_bytes(key_, value);
  } else if (name == "src") {
    if (is_address(value)) src_ = value;
  }
}

// A server is entered also for a value that says nothing, or those after it would lose their place.
void PickMessage::set_load(char kind, std::string_view name, const Value& value) noexcept {
  if (kind == 'c') {
    ServerLoad& load = server(kInFlight, name);
    if (const auto n = count_of(value)) load.in_flight = n;
  } else if (kind == 'q') {
    ServerLoad& load = server(kQueued, name);
    if (const auto n = count_of(value)) load.queued = n;
  } else if (kind == 'u') {
    ServerLoad& load = server(kUp, name);
    if (value.is_bool()) load.is_up = value.number != 0;
  }
}

ServerLoad& PickMessage::server(Kind kind, std::string_view name) noexcept {
  std::size_t i = expected_[kind];
  while (i < count_ && servers_[i].name != name) ++i;
  if (i == count_) servers_[count_++] = {name, {}, {}, {}};
  expected_[kind] = i + 1;
  return servers_[i];
}

}  // namespace leastwise::spop
