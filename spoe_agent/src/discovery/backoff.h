// Backoff: how long to wait after a failure: twice as long each time, less a random part, so that
// many who failed at one moment do not come back at one moment.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_BACKOFF_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_BACKOFF_H_

#include <algorithm>
#include <chrono>
#include <random>

#include "leastwise/clock.h"

namespace leastwise::discovery {

class Backoff {
 public:
  static constexpr Duration kFirst = std::chrono::milliseconds(250);
  static constexpr Duration kLongest = std::chrono::seconds(10);

  explicit Backoff(std::uint32_t seed = std::random_device{}()) : random_(seed) {}

  // From a half of the pause to all of it.
  Duration next() {
    const Duration pause = pause_;
    pause_ = std::min(pause_ * 2, kLongest);
    return spread(pause);
  }
  void reset() noexcept { pause_ = kFirst; }

  Duration spread(Duration d) {
    return Duration(
        std::uniform_int_distribution<Duration::rep>(d.count() / 2, d.count())(random_));
  }

 private:
  std::minstd_rand random_;
  Duration pause_ = kFirst;
};

}  // namespace leastwise::discovery

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_BACKOFF_H_
