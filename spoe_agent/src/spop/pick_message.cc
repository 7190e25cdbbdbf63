#include "spop/pick_message.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace leastwise::spop {
namespace {

// A negative number is refused by its size, being in two's complement.
bool is_count(const Value& value) noexcept {
  return value.is_integer() && value.number <= std::numeric_limits<std::uint32_t>::max();
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
  id_ = backend_ = route_ = method_ = path_ = key_ = {};
  src_ = {};
  queue_ = 0;
  prompt_.seen = prompt_.whole = prompt_.max_tokens = 0;
  prompt_.model = prompt_.salt = {};
  prompt_.count = 0;
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
  } else if (name == "method") {
    set_bytes(method_, value);
  } else if (name == "path") {
    set_bytes(path_, value);
  } else if (name == "key") {
    set_bytes(key_, value);
  } else if (name == "queue") {
    if (is_count(value)) queue_ = static_cast<std::uint32_t>(value.number);
  } else if (name == "src") {
    if (is_address(value)) src_ = value;
  } else {
    set_of_prompt(name, value);
  }
}

void PickMessage::set_of_prompt(std::string_view name, const Value& value) noexcept {
  const auto set_count = [&](std::uint32_t& field) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    if (const auto n = value.natural()) field = static_cast<std::uint32_t>(std::min(*n, kMost));
  };
  if (name == "len") return set_count(prompt_.seen);
  if (name == "size") return set_count(prompt_.whole);
  if (name == "max") return set_count(prompt_.max_tokens);
  if (name == "model") return set_bytes(prompt_.model, value);
  if (name == "salt") return set_bytes(prompt_.salt, value);
  if (!name.starts_with('d') || !value.is_integer()) return;
  std::size_t k = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), k);
  const bool is_next = error == std::errc{} && end == name.data() + name.size() &&
                       k == prompt_.count && k < PromptDigests::kMost;
  // Signed, as HAProxy has all its numbers.
  if (is_next) prompt_.digests[prompt_.count++] = value.number;
}

// A server is entered also for a value that says nothing, or those after it would lose their place.
void PickMessage::set_load(char letter, std::string_view name, const Value& value) noexcept {
  if (letter != 'c' && letter != 'q' && letter != 'u') return;
  const Kind kind = letter == 'c' ? kInFlight : letter == 'q' ? kQueued : kUp;
  std::size_t i = expected_[kind];
  if (i < count_) i = find(name, i);
  if (i == count_) servers_[count_++] = {name, {}, {}, {}};
  expected_[kind] = i + 1;
  ServerLoad& load = servers_[i];
  if (kind == kUp) {
    if (value.is_bool()) load.is_up = value.number != 0;
  } else if (is_count(value)) {
    (kind == kInFlight ? load.in_flight : load.queued) = static_cast<std::uint32_t>(value.number);
  }
}

std::size_t PickMessage::find(std::string_view name, std::size_t first) const noexcept {
  while (first < count_ && servers_[first].name != name) ++first;
  return first;
}

}  // namespace leastwise::spop
