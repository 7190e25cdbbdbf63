// Networks: a list of address ranges in CIDR notation (RFC 4632), IPv4 and IPv6.
//
// A value without pointers. O(networks) per question; for configuration, not for picks.
#ifndef LEASTWISE_NETWORKS_H_
#define LEASTWISE_NETWORKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/status.h"

namespace leastwise {

class Networks {
 public:
  static constexpr std::size_t kMost = 16;

  // "10.0.0.0/8,fd00::/8", with commas between; an address without a length is one host. Bits
  // beyond the length must be zero, as in 10.1.0.0/16. On error `out` is unchanged.
  static Status parse(std::string_view text, Networks& out) noexcept;

  bool empty() const noexcept { return count_ == 0; }

  // An address of 4 or 16 bytes in network order; one of IPv4 that is mapped into IPv6 counts
  // as IPv4. False for any other size.
  bool contains(std::span<const std::uint8_t> address) const noexcept;
  // The same of an address as text, without a port. False if it is none.
  bool contains(std::string_view address) const noexcept;

  // An IPv4 address lies in ::ffff:0:0/96.
  using Address = std::array<std::uint8_t, 16>;
  struct Network {
    Address address{};
    std::uint32_t bits = 0;
  };

 private:
  bool contains(const Address& address) const noexcept;

  std::array<Network, kMost> networks_{};
  std::size_t count_ = 0;
};

}  // namespace leastwise

#endif  // LEASTWISE_NETWORKS_H_
