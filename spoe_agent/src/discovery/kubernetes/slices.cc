#include "discovery/kubernetes/slices.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

namespace leastwise::discovery::kubernetes {
namespace {

using Json = nlohmann::json;

// Nothing of what follows throws: types are looked at before they are used.
std::string text_in(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const Json& part_of(const Json& object, const char* key) {
  static const Json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

// A condition that is not said is as the API's reference has it.
bool condition(const Json& conditions, const char* key, bool standard) {
  const Json& value = part_of(conditions, key);
  return value.is_boolean() ? value.get<bool>() : standard;
}

// None: it takes no request.
std::optional<State> state_of(const Json& conditions) {
  const bool ready = condition(conditions, "ready", true);
  if (ready) return State::kUp;
  const bool terminating = condition(conditions, "terminating", false);
  const bool serving = condition(conditions, "serving", ready);
  if (terminating && serving) return State::kDraining;
  return std::nullopt;
}

Place place_of(const Json& endpoint) {
  Place place{.zone = text_in(endpoint, "zone")};
  for (const Json& zone : part_of(part_of(endpoint, "hints"), "forZones")) {
    place.for_zones.push_back(text_in(zone, "name"));
  }
  return place;
}

Slice slice_of(const Json& object) {
  Slice slice;
  const std::string type = text_in(object, "addressType");
  slice.is_address = type == "IPv4" || type == "IPv6";
  for (const Json& port : part_of(object, "ports")) {
    const Json& number = part_of(port, "port");
    if (!number.is_number_integer()) continue;
    const auto value = number.get<std::int64_t>();
    if (value < 1 || value > 65535) continue;
    slice.ports.push_back({text_in(port, "name"), static_cast<std::uint16_t>(value)});
  }
  for (const Json& endpoint : part_of(object, "endpoints")) {
    const std::optional<State> state = state_of(part_of(endpoint, "conditions"));
    if (!state) continue;
    Slice::Endpoint& e = slice.endpoints.emplace_back();
    e.state = *state;
    e.place = place_of(endpoint);
    for (const Json& address : part_of(endpoint, "addresses")) {
      if (address.is_string()) e.addresses.push_back(address.get<std::string>());
    }
  }
  return slice;
}

std::string name_of(const Json& object) { return text_in(part_of(object, "metadata"), "name"); }
std::string version_of(const Json& object) {
  return text_in(part_of(object, "metadata"), "resourceVersion");
}

// An endpoint that is in two slices counts once, and is up if one of them says so.
void add(const Slice::Endpoint& endpoint, std::uint16_t port, Targets& out, Places& places) {
  for (const std::string& ip : endpoint.addresses) {
    const std::string address = address_of(ip, port);
    if (address.empty()) continue;
    Target& target = out.try_emplace(address, Target{.state = endpoint.state}).first->second;
    if (endpoint.state == State::kUp) target.state = State::kUp;
    Place& place = places[address];
    if (!endpoint.place.zone.empty()) place.zone = endpoint.place.zone;
    if (!endpoint.place.for_zones.empty()) place.for_zones = endpoint.place.for_zones;
  }
}

void keep_family(Family family, Targets& targets) {
  if (family == Family::kBoth) return;
  const bool has_ipv4 = std::ranges::any_of(
      targets, [](const auto& t) { return !is_ipv6(t.first) && t.second.state == State::kUp; });
  const bool wants_ipv6 = family == Family::kIpv6 || (family == Family::kAuto && !has_ipv4);
  const bool has_wanted =
      std::ranges::any_of(targets, [&](const auto& t) { return is_ipv6(t.first) == wants_ipv6; });
  if (family == Family::kAuto && !has_wanted) return;
  std::erase_if(targets, [&](const auto& t) { return is_ipv6(t.first) != wants_ipv6; });
}

}  // namespace

std::optional<std::uint16_t> PortChoice::number() const noexcept {
  std::uint16_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value == 0) return std::nullopt;
  return value;
}

bool Slices::read_list(std::string_view text, std::string& version, std::string& error) {
  const Json list = Json::parse(text, nullptr, false);
  const Json& items = part_of(list, "items");
  version = version_of(list);
  if (text_in(list, "kind") != "EndpointSliceList" || version.empty() ||
      !(items.is_array() || items.is_null())) {
    error = "the answer is no list of EndpointSlices of discovery.k8s.io/v1";
    return false;
  }
  slices_.clear();
  for (const Json& item : items) slices_.insert_or_assign(name_of(item), slice_of(item));
  return true;
}

Slices::Event Slices::read_event(std::string_view line) {
  using Kind = Event::Kind;
  const Json event = Json::parse(line, nullptr, false);
  const std::string type = text_in(event, "type");
  const Json& object = part_of(event, "object");
  if (type == "ERROR") {
    const Json& code = part_of(object, "code");
    return {.kind = Kind::kError,
            .code = code.is_number_integer() ? code.get<int>() : 0,
            .message = text_in(object, "message")};
  }
  Event out{.version = version_of(object)};
  if (out.version.empty()) {
    out.message = "a line of the watch is no event";
    return out;
  }
  out.kind = type == "BOOKMARK" ? Kind::kBookmark : Kind::kChange;
  if (type == "ADDED" || type == "MODIFIED") {
    slices_.insert_or_assign(name_of(object), slice_of(object));
  } else if (type == "DELETED") {
    slices_.erase(name_of(object));
  } else if (type != "BOOKMARK") {
    out.kind = Kind::kGarbage;
    out.message = "an event of a type that is not known: " + type;
  }
  return out;
}

Targets Slices::targets(const PortChoice& choice, Family family, std::string_view own_zone,
                        std::string& trouble) const {
  Targets targets;
  Places places;
  std::set<std::string> offered;
  bool is_found = false, is_ambiguous = false;
  const std::optional<std::uint16_t> wanted = choice.number();
  for (const auto& [name, slice] : slices_) {
    if (!slice.is_address) continue;
    const bool takes_only = choice.text.empty();
    if (slice.ports.empty() && wanted) {  // of a Service without ports
      for (const Slice::Endpoint& e : slice.endpoints) add(e, *wanted, targets, places);
    }
    is_ambiguous |= takes_only && slice.ports.size() > 1;
    for (const Slice::Port& port : slice.ports) {
      offered.insert((port.name.empty() ? "" : port.name + " = ") + std::to_string(port.number));
      const bool fits = takes_only ? slice.ports.size() == 1
                        : wanted   ? port.number == *wanted
                                   : port.name == choice.text;
      if (!fits) continue;
      is_found = true;
      for (const Slice::Endpoint& e : slice.endpoints) add(e, port.number, targets, places);
    }
  }
  keep_family(family, targets);
  set_remote(own_zone, places, targets);
  trouble.clear();
  if (offered.empty() || (is_found && !is_ambiguous)) return targets;
  trouble = is_ambiguous ? "there are several ports: say which, as SERVICE:NAME"
                         : "no port \"" + choice.text + "\"";
  trouble += "; the pods have ";
  for (const std::string& o : offered) trouble += (trouble.ends_with("have ") ? "" : ", ") + o;
  return targets;
}

}  // namespace leastwise::discovery::kubernetes
