// Slices: the EndpointSlices of one Service, and the servers that follow from them.
//
// https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/: a Service has any
// number of them, of IPv4 or IPv6, and an endpoint that moves may be in two for a while.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_SLICES_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_SLICES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/kubernetes/zones.h"
#include "discovery/targets.h"

namespace leastwise::discovery::kubernetes {

// Empty: the only one that there is. Digits: that number. Else a name.
struct PortChoice {
  std::string text;
  std::optional<std::uint16_t> number() const noexcept;
  bool operator==(const PortChoice&) const = default;
};

struct Slice {
  struct Port {
    std::string name;
    std::uint16_t number = 0;
  };
  struct Endpoint {
    std::vector<std::string> addresses;
    State state = State::kUp;
    Place place;
  };
  bool is_address = true;  // not FQDN
  std::vector<Port> ports;
  std::vector<Endpoint> endpoints;  // those that take requests
};

class Slices {
 public:
  // An answer to LIST, as a whole, and the version from which to watch. False, and why, when it is
  // none; nothing has changed then.
  bool read_list(std::string_view text, std::string& version, std::string& error);

  // A line of an answer to WATCH.
  struct Event {
    enum class Kind : std::uint8_t { kChange, kBookmark, kError, kGarbage };
    Kind kind = Kind::kGarbage;
    std::string version{};  // empty of an error
    int code = 0;           // of an error
    std::string message{};  // of an error, and why it is garbage
  };
  Event read_event(std::string_view line);

  // The servers, as a proxy in that zone sees them (empty: in none that is known), and what is
  // wrong with the choice of port: empty if nothing is.
  Targets targets(const PortChoice& port, Family family, std::string_view own_zone,
                  std::string& trouble) const;

  std::size_t size() const noexcept { return slices_.size(); }

 private:
  std::map<std::string, Slice> slices_;  // by name
};

}  // namespace leastwise::discovery::kubernetes

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_KUBERNETES_SLICES_H_
