// Endpoint: one server of a pool, as the core names and is told about it.
#ifndef LEASTWISE_ENDPOINT_H_
#define LEASTWISE_ENDPOINT_H_

#include <cstddef>
#include <cstdint>

#include "leastwise/clock.h"

namespace leastwise {

// Position of an endpoint in its pool: stable from Pool::add() to Pool::retire().
enum class EndpointId : std::uint32_t {};
inline constexpr EndpointId kNoEndpoint{0xffffffff};

constexpr std::size_t index(EndpointId id) noexcept { return static_cast<std::size_t>(id); }

inline constexpr std::size_t kMaxEndpoints = 65536;
inline constexpr std::uint32_t kMaxWeight = 65535;
inline constexpr std::size_t kMaxEndpointName = 191;  // bytes, "http/UPSTREAM/ADDR:PORT"

// Bits that its owner sets.
enum EndpointFlag : std::uint32_t {
  kDown = 1U << 0,       // its owner says so: configuration or health check
  kDraining = 1U << 1,   // finishes what it has; panic mode may still use it
  kBackup = 1U << 2,     // for the status page; picks go by Member::backup
  kRemote = 1U << 3,     // outside of Config::locality, or told so at run time
  kMandatory = 1U << 4,  // not picked before it has passed a probe; nor is it in a panic
  kAdded = 1U << 5,      // at run time, by an operator: it is in no configuration
};

// What the owner of a pool says about an endpoint. Units and meaning as in nginx.
struct EndpointSettings {
  std::uint32_t weight = 1;                          // 1…65535, relative
  std::uint32_t max_conns = 0;                       // in flight at most, 0 = no limit
  std::uint32_t max_fails = 0;                       // 0 = failures never take it out
  Duration fail_timeout = std::chrono::seconds(10);  // for that long; counted within it
  std::uint32_t flags = 0;                           // EndpointFlag
  std::uint32_t order = 0;                           // its place in the configuration
};

// What an operator changes at run time, over what the configuration says. It holds until it is
// undone, or until a configuration says something else of the same setting than the one before: the
// newest word counts.
struct Change {
  // Sets of settings.
  static constexpr std::uint32_t kWeight = 1, kMaxConns = 2, kMaxFails = 4, kFailTimeout = 8,
                                 kDownFlag = 16, kDrainingFlag = 32, kRemoteFlag = 64;

  std::uint32_t fields = 0;  // these as `to` says,
  std::uint32_t undone = 0;  // and these as configured again
  EndpointSettings to = {};
};

}  // namespace leastwise

#endif  // LEASTWISE_ENDPOINT_H_
