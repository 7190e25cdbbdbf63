// Zones: which endpoints of a Service are in another zone than the proxy.
//
// By the hints of its EndpointSlices, as kube-proxy has it: they count where each endpoint that is
// up has one, and one of them is for the proxy's zone. Else by the zone that an endpoint is in.
// https://kubernetes.io/docs/concepts/services-networking/topology-aware-routing/
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_ZONES_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_ZONES_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/targets.h"

namespace leastwise::discovery::kubernetes {

struct Place {
  std::string zone{};                    // empty: not said
  std::vector<std::string> for_zones{};  // hints: whose requests it is for; empty: none
};
using Places = std::map<std::string, Place, std::less<>>;  // by the address of a target

// Sets Target::remote of those of whom it can be said; of nobody when `own` is empty.
void set_remote(std::string_view own, const Places& places, Targets& targets);

}  // namespace leastwise::discovery::kubernetes

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_ZONES_H_
