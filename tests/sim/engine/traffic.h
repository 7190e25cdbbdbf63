// Traffic: when requests come, of which route, and how much work they are.
//
// Arrivals and sizes have a generator each, so that the same seed gives every policy the
// same requests at the same times, whatever it does with them.
#ifndef LEASTWISE_TESTS_SIM_ENGINE_TRAFFIC_H_
#define LEASTWISE_TESTS_SIM_ENGINE_TRAFFIC_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/random.h"
#include "engine/scenario.h"

namespace leastwise::sim {

// The mean service time of the routes together: idle ones have none.
double mean_service_ms(const Scenario& scenario);

class Traffic {
 public:
  // `capacity`: work per millisecond of all servers together.
  Traffic(const Scenario& scenario, double capacity);

  // The time of the arrival after one at `now`; call once for each. Nothing: no more come.
  std::optional<double> next(double now);

  struct Arrival {
    std::uint32_t route = 0;
    std::uint32_t balancer = 0;
    double size = 0;
    std::uint32_t prefix = 0;
    double prefill = 0;  // work that a cached prefix saves
  };
  Arrival draw();

  // Times the rate by `factor` from the next call of next() on.
  void modulate(double factor) { factor_ = factor; }

 private:
  void draw_prefix(Arrival& a);

  const Scenario& scenario_;
  Random times_, sizes_;
  double per_ms_;
  double factor_ = 1;
  std::vector<double> cumulative_;     // shares of the routes
  std::size_t timed_ = 0, drawn_ = 0;  // of the trace
};

}  // namespace leastwise::sim

#endif  // LEASTWISE_TESTS_SIM_ENGINE_TRAFFIC_H_
