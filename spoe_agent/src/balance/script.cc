#include "balance/script.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "haproxy/request_id.h"

namespace leastwise::agent {
namespace {

using lua::What;
using spop::ValueType;

bool text(const void* asked, What what, std::string_view name, std::string_view& out) noexcept {
  return static_cast<const Asked*>(asked)->text(what, name, out);
}
bool number(const void* asked, What what, double& out) noexcept {
  return static_cast<const Asked*>(asked)->number(what, out);
}

std::string_view argument_of(What what) noexcept {
  switch (what) {
    case What::kMethod:
      return "method";
    case What::kHost:
      return "host";
    case What::kPath:
      return "path";
    case What::kQuery:
      return "query";
    case What::kClient:
      return "src";
    case What::kRoute:
      return "route";
    case What::kKey:
      return "key";
    default:
      return {};
  }
}

}  // namespace

bool Asked::find(std::string_view name, spop::Value& out) const noexcept {
  spop::Messages messages = messages_;
  for (std::string_view message; messages.next(message);) {
    if (message != spop::PickMessage::kName) continue;
    for (spop::Argument argument; messages.next(argument);) {
      if (argument.name != name) continue;
      out = argument.value;
      return out.type != ValueType::kNull;
    }
    return false;
  }
  return false;
}

bool Asked::text_of(const spop::Value& value, std::string_view& out) const noexcept {
  if (value.type == ValueType::kIpv4 || value.type == ValueType::kIpv6) {
    const int family = value.type == ValueType::kIpv4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, value.bytes.data(), text_.data(), kTextSize) == nullptr) return false;
    out = {text_.data(), std::strlen(text_.data())};
    return true;
  }
  if (value.is_integer()) {
    const auto signed_value = static_cast<std::int64_t>(value.number);
    const auto [end, _] = std::to_chars(text_.data(), text_.data() + text_.size(), signed_value);
    out = {text_.data(), static_cast<std::size_t>(end - text_.data())};
    return true;
  }
  if (value.is_bool()) return out = value.number != 0 ? "true" : "false", true;
  out = value.bytes;
  return true;
}

bool Asked::text(What what, std::string_view name, std::string_view& out) const noexcept {
  if (what == What::kVariable) return false;  // nginx has them
  spop::Value value;
  const std::string_view argument = argument_of(what);
  return find(argument.empty() ? name : argument, value) && text_of(value, out);
}

bool Asked::number(What what, double& out) const noexcept {
  spop::Value value;
  if (what != What::kBodyLength || !find("body_length", value) || !value.is_integer()) return false;
  out = static_cast<double>(value.number);
  return true;
}

void ask_script(lua::Script& script, Asked& asked, TimePoint now, Request& request) noexcept {
  script.about({.text = text, .number = number}, &asked);
  std::string_view said;
  if (script.has(lua::Call::kKey) && script.tell(lua::Call::kKey, now, said)) {
    request.key = text_hash(said);
  }
  if (script.has(lua::Call::kRoute) && script.tell(lua::Call::kRoute, now, said)) {
    request.route = text_hash(said);
    const std::size_t size = std::min(said.size(), asked.route_.size());
    std::copy_n(said.begin(), size, asked.route_.begin());
    request.name = {.own = {asked.route_.data(), size}, .family = {}};
  }
}

}  // namespace leastwise::agent
