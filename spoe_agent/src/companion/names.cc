// The names that stand behind `discover`.
#include <algorithm>
#include <utility>

#include "companion/file.h"
#include "config/address.h"

namespace leastwise::companion {
namespace {

using discovery::dns::Name;
using discovery::kubernetes::PortChoice;
using discovery::kubernetes::ServiceName;

constexpr std::size_t kMostName = 253;  // of the DNS

// What may stand in a path and in a query as it is. A name of Kubernetes is a part of this.
bool is_word(std::string_view text, std::string_view others) noexcept {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != others.npos;
  });
}

// A namespace or a Service: RFC 1123's labels, which have no dot.
bool is_label(std::string_view text) noexcept { return text.size() <= 63 && is_word(text, "-"); }

}  // namespace

bool parse_service(std::string_view text, ServiceName& out) {
  ServiceName service;
  if (const std::size_t slash = text.find('/'); slash != text.npos) {
    service.namespace_ = text.substr(0, slash);
    if (!is_label(service.namespace_)) return false;
    text.remove_prefix(slash + 1);
  }
  const std::size_t colon = text.find(':');
  service.name = text.substr(0, colon);
  if (colon != text.npos) {
    service.port.text = text.substr(colon + 1);
    if (!is_label(service.port.text)) return false;
    const bool is_number = service.port.text.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && !service.port.number()) return false;
  }
  if (!is_label(service.name)) return false;
  out = std::move(service);
  return true;
}

// A name of the DNS is what its resolver takes for one; here it is a matter of slips.
bool parse_name(std::string_view text, Name& out) {
  Name name;
  const std::size_t colon = text.find(':');
  name.name = text.substr(0, colon);
  if (colon != text.npos) {
    const auto port = PortChoice{std::string(text.substr(colon + 1))}.number();
    if (!port) return false;
    name.port = *port;
  }
  if (name.name.size() > kMostName || !is_word(name.name, "-_.")) return false;
  if (name.name.front() == '.' || name.name.find("..") != std::string::npos) return false;
  out = std::move(name);
  return true;
}

bool parse_resolver(std::string_view text, std::string& out) {
  const std::string whole(text);
  for (bool is_last = false; !is_last;) {
    const std::size_t comma = text.find(',');
    const std::string one(text.substr(0, comma));
    agent::Address address;
    const bool has_port = agent::parse_address(one, false, address);
    if (!has_port && discovery::address_of(one, 1).empty()) return false;
    is_last = comma == text.npos;
    if (!is_last) text.remove_prefix(comma + 1);
  }
  out = whole;
  return true;
}

}  // namespace leastwise::companion
