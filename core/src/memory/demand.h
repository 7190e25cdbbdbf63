// Demand: what `weighted` shares requests out by. The share of an endpoint is d_i / Σ d_j.
#ifndef LEASTWISE_SRC_MEMORY_DEMAND_H_
#define LEASTWISE_SRC_MEMORY_DEMAND_H_

#include <algorithm>

#include "leastwise/config.h"
#include "memory/state.h"
#include "memory/weight.h"
#include "words/plan.h"

namespace leastwise::state {

// What is learned or reported moves a weight by so much at most.
inline constexpr float kMostDemand = 4;
inline constexpr float kLeastDemand = 1.0F / 16;

// d_i: the weight; that times the learned speed; or that times the throughput per utilisation
// that follows from its load reports. Positive.
inline float demand(const Config& config, const Plan& plan, const Hot& hot,
                    const Record& record) noexcept {
  const float weight = effective_weight(record);
  float relative = 0;  // unknown
  if (config.demand == Demand::kReport) {
    relative = record.report_demand.get();
  } else if (config.demand == Demand::kSpeed && plan.learned.get() != 0) {
    const float g = hot.slowness.get();
    relative = g > 0 ? plan.slowness.get() / g : 0;
  }
  return relative > 0 ? weight * std::clamp(relative, kLeastDemand, kMostDemand) : weight;
}

}  // namespace leastwise::state

#endif  // LEASTWISE_SRC_MEMORY_DEMAND_H_
