#include "discovery/kubernetes/zones.h"

#include <algorithm>

namespace leastwise::discovery::kubernetes {
namespace {

bool is_for(const Place& place, std::string_view zone) {
  return std::ranges::find(place.for_zones, zone) != place.for_zones.end();
}

bool have_hints(std::string_view own, const Places& places, const Targets& targets) {
  bool is_one_ours = false;
  for (const auto& [address, target] : targets) {
    if (target.state != State::kUp) continue;
    const auto place = places.find(address);
    if (place == places.end() || place->second.for_zones.empty()) return false;
    is_one_ours |= is_for(place->second, own);
  }
  return is_one_ours;
}

}  // namespace

void set_remote(std::string_view own, const Places& places, Targets& targets) {
  if (own.empty()) return;
  const bool by_hints = have_hints(own, places, targets);
  for (auto& [address, target] : targets) {
    const auto found = places.find(address);
    if (found == places.end()) continue;
    const Place& place = found->second;
    if (by_hints && !place.for_zones.empty()) {
      target.remote = !is_for(place, own);
    } else if (!place.zone.empty()) {
      target.remote = place.zone != own;
    }
  }
}

}  // namespace leastwise::discovery::kubernetes
