// PoolSharing: one pool's part in sharing: what it tells, and what it hears of the others.
//
// To be used every kPeriod, by one thread, which may be another than those that pick. Servers are
// known by their addresses, on which balancers agree: what stands before the last "@" of an
// endpoint's name is each one's own.
#ifndef LEASTWISE_CORE_SHARING_POOL_SHARING_H_
#define LEASTWISE_CORE_SHARING_POOL_SHARING_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/clock.h"
#include "leastwise/pool.h"
#include "sharing/gathering.h"
#include "sharing/report.h"

namespace leastwise::sharing {

class PoolSharing {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(100);

  // `life`: drawn anew at each start of the balancer.
  explicit PoolSharing(std::uint64_t life = 0) noexcept : life_(life) {}

  // The next report, of averages of the last second. O(servers).
  std::string tell(const Pool& pool);
  // What another one told. False: it is no report.
  bool hear(std::string_view teller, std::string_view bytes, TimePoint now);
  // Tells the pool what all others have, to be shown, and if it `counts`, to go by. Returns how
  // many are heard. O(tellers × servers).
  std::uint32_t take_in(Pool& pool, TimePoint now, bool counts);

 private:
  struct Server {
    EndpointId id;
    ServerReport report;
  };
  std::uint64_t life_;
  std::uint64_t number_ = 0;
  std::vector<Server> servers_;  // as told last
  Gathering others_;
};

}  // namespace leastwise::sharing

#endif  // LEASTWISE_CORE_SHARING_POOL_SHARING_H_
