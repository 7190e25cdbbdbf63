// SharedBackends: the agent's backends of `mode pick`, as others are told of them.
#ifndef LEASTWISE_SPOE_AGENT_BALANCE_SHARED_BACKENDS_H_
#define LEASTWISE_SPOE_AGENT_BALANCE_SHARED_BACKENDS_H_

#include <vector>

#include "balance/registry.h"
#include "share/shared_pools.h"
#include "sharing/pool_sharing.h"

namespace leastwise::agent {

class SharedBackends final : public SharedPools {
 public:
  // Others are counted, or what they have is only shown.
  SharedBackends(const Registry& registry, bool counts) : registry_(registry), counts_(counts) {}

  std::vector<Look> look() override;
  void tell(std::size_t place, std::span<const sharing::ServerReport> others, std::uint32_t tellers,
            TimePoint now) override;

 private:
  struct Looked {
    Pool pool;
    sharing::PoolSide side;
  };

  const Registry& registry_;
  const bool counts_;
  std::vector<Looked> looked_;
};

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_BALANCE_SHARED_BACKENDS_H_
