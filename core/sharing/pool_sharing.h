// PoolSide: what an exchange is told of a pool of this process, and tells it. PoolSharing: both.
//
// By one thread, which may be another than those that pick. Servers are known by their addresses,
// on which balancers agree: what stands before the last "@" of an endpoint's name is each one's
// own.
#ifndef LEASTWISE_CORE_SHARING_POOL_SHARING_H_
#define LEASTWISE_CORE_SHARING_POOL_SHARING_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/clock.h"
#include "leastwise/pool.h"
#include "sharing/exchange.h"
#include "sharing/report.h"

namespace leastwise::sharing {

class PoolSide {
 public:
  // What is in flight at each server; of at most kMostServers.
  std::vector<ServerReport> look(const Pool& pool);
  // Tells the pool what all others have, by the places of the last look: to be shown, and if it
  // `counts`, to go by. `tellers`: how many they are.
  void tell(Pool& pool, std::span<const ServerReport> others, std::uint32_t tellers, TimePoint now,
            bool counts) const;

 private:
  std::vector<EndpointId> ids_;
};

class PoolSharing {
 public:
  explicit PoolSharing(std::uint64_t life = 0) noexcept : exchange_(life) {}

  // As Exchange has them.
  std::string tell(const Pool& pool) { return exchange_.tell(pool_.look(pool)); }
  bool hear(std::string_view teller, std::string_view bytes, TimePoint now) {
    return exchange_.hear(teller, bytes, now);
  }
  // Returns how many are heard.
  std::uint32_t take_in(Pool& pool, TimePoint now, bool counts);

 private:
  Exchange exchange_;
  PoolSide pool_;
};

}  // namespace leastwise::sharing

#endif  // LEASTWISE_CORE_SHARING_POOL_SHARING_H_
