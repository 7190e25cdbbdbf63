// Gathering: the last reports of the other balancers of one pool, and what is believed of them.
//
// A report is as old as it is since its number last changed, by our own clock: clocks of machines
// differ. After Pool::kStale what it tells fades, after Pool::kHearsay it is gone. One that tells
// more requests than kMostTimes those of the usual balancer counts as that many: who lies, or is
// broken, weighs no more than a few of those that do not. What is told of a server is shown only;
// the pool counts who tells: guard/toll.h.
//
// One thread's. Reports come from the network: decode() has refused what is none.
#ifndef LEASTWISE_CORE_SHARING_GATHERING_H_
#define LEASTWISE_CORE_SHARING_GATHERING_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "leastwise/clock.h"
#include "leastwise/pool.h"
#include "sharing/report.h"

namespace leastwise::sharing {

class Gathering {
 public:
  static constexpr float kMostTimes = 4;
  static constexpr std::size_t kMostTellers = 255;  // more are not heard

  // Of balancer `teller`. O(servers) when it is a new one.
  void take(std::string_view teller, const Report& report, TimePoint now);

  // Sets requests and work of each of `servers` to what all others have there, together. `own`:
  // requests that we have in flight, one of those that tell what is usual. Returns how many were
  // heard; 0: nothing is known. O(tellers × servers).
  std::uint32_t sum(std::span<ServerReport> servers, float own, TimePoint now);

 private:
  struct Teller {
    Report report;
    TimePoint changed{};
    float requests = 0;  // at all servers
  };
  float usual(float own) const;

  std::map<std::string, Teller, std::less<>> tellers_;
};

}  // namespace leastwise::sharing

#endif  // LEASTWISE_CORE_SHARING_GATHERING_H_
