// Exchange: what one balancer tells of one pool, and what it hears of the others.
//
// To be used every kPeriod, by one thread. It knows of the pool what it is told: the pool may be
// another process's.
#ifndef LEASTWISE_CORE_SHARING_EXCHANGE_H_
#define LEASTWISE_CORE_SHARING_EXCHANGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "leastwise/clock.h"
#include "sharing/gathering.h"
#include "sharing/report.h"

namespace leastwise::sharing {

class Exchange {
 public:
  static constexpr Duration kPeriod = std::chrono::milliseconds(100);

  // `life`: drawn anew at each start of the balancer.
  explicit Exchange(std::uint64_t life = 0) noexcept : life_(life) {}

  // The next report: averages of the last second of what is in flight, which is `now`. Fast where
  // servers keep their places; of more than kMostServers the rest is not told.
  std::string tell(std::vector<ServerReport> now);
  // What another one told. False: it is no report.
  bool hear(std::string_view teller, std::string_view bytes, TimePoint now);
  // Sets `out` to what all others have together, at each server that was told last, in that order.
  // Returns how many are heard. O(tellers × servers).
  std::uint32_t others(TimePoint now, std::vector<ServerReport>& out);

 private:
  std::uint64_t life_;
  std::uint64_t number_ = 0;
  std::vector<ServerReport> told_;
  Gathering others_;
};

}  // namespace leastwise::sharing

#endif  // LEASTWISE_CORE_SHARING_EXCHANGE_H_
