// PathTarget: what a path below the location of `leastwise_control` names.
//
//   /                                          versions
//   /9                                         http, stream, in_flight
//   /9/in_flight                               what each server of each upstream has
//   /9/KIND                                    upstreams
//   /9/KIND/upstreams[/NAME]                   as the status shows them
//   /9/KIND/upstreams/NAME/elsewhere           what other balancers have there
//   /9/KIND/upstreams/NAME/servers[/ID]        their settings
//   /9/KIND/upstreams/NAME/servers/ID/ACTION   eject, uneject, reset
//
// One slash at the end more or less is the same.
#ifndef LEASTWISE_NGINX_MODULE_CONTROL_TARGET_H_
#define LEASTWISE_NGINX_MODULE_CONTROL_TARGET_H_

#include <cstdint>
#include <string_view>

namespace leastwise::nginx {

// Of NGINX Plus' API whose shape this has.
inline constexpr std::string_view kApiVersion = "9";

enum class Level : std::uint8_t {
  kRoot,
  kVersion,
  kInFlight,
  kKind,
  kUpstreams,
  kUpstream,
  kElsewhere,
  kServers,
  kServer,
  kAction,
};

enum class Action : std::uint8_t { kEject, kUneject, kReset };

struct PathTarget {
  Level level = Level::kRoot;
  std::string_view kind, upstream;  // views of the path
  std::uint32_t id = 0;
  Action action = Action::kEject;
};

enum class TargetError : std::uint8_t { kNone, kPath, kVersion, kId };

// `path` is decoded already.
TargetError parse_target(std::string_view path, PathTarget& out) noexcept;

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_CONTROL_TARGET_H_
