// SharedPools: the pools of this balancer, of which others are told, and which hear of others. The
// agent's lie in its own memory, nginx's behind its control.
#ifndef LEASTWISE_SPOE_AGENT_SHARE_SHARED_POOLS_H_
#define LEASTWISE_SPOE_AGENT_SHARE_SHARED_POOLS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "leastwise/clock.h"
#include "sharing/report.h"

namespace leastwise::agent {

// By one thread. What can not be had or told is thrown as std::runtime_error, which says why.
class SharedPools {
 public:
  struct Look {
    std::string name;                            // by which other balancers know it
    std::vector<sharing::ServerReport> servers;  // what is in flight there now
  };

  virtual ~SharedPools() = default;

  virtual std::vector<Look> look() = 0;
  // What all others have of the pool at that place of the last look, in the order of its servers.
  virtual void tell(std::size_t place, std::span<const sharing::ServerReport> others,
                    std::uint32_t tellers, TimePoint now) = 0;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_SHARE_SHARED_POOLS_H_
