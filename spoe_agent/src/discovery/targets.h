// Targets: the servers that there should be, as a source of them says it.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_TARGETS_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_TARGETS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace leastwise::discovery {

// kDraining: what is in flight goes on, nothing new but as the last resort. Who is to get nothing
// at all is not among the targets.
enum class State : std::uint8_t { kUp, kDraining };

// Which of two addresses of one server is used. kAuto: IPv4 where a usable server has it, or else
// IPv6. Who used both would give such a server a double share.
enum class Family : std::uint8_t { kAuto, kIpv4, kIpv6, kBoth };

struct Target {
  State state = State::kUp;
  std::uint32_t weight = 1;
  bool backup = false;
  std::optional<bool> remote{};  // in another zone than the proxy; none: not known

  bool operator==(const Target&) const = default;
};

// By address, "10.0.0.1:80" or "[2001:db8::1]:80", so that the order is the same in all balancers.
using Targets = std::map<std::string, Target, std::less<>>;

// As nginx writes an address with its port; empty when `ip` is no literal address, or `port` is 0.
// One address has one name: "2001:DB8:0::1" is "2001:db8::1", "::ffff:10.0.0.1" is "10.0.0.1".
std::string address_of(std::string_view ip, std::uint16_t port);
inline bool is_ipv6(std::string_view address) noexcept { return address.starts_with('['); }

// "3 servers, 1 of them draining", for people.
std::string summary_of(const Targets& targets);

}  // namespace leastwise::discovery

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_TARGETS_H_
