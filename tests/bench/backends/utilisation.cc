#include "bench/backends/utilisation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace leastwise::bench {

void Utilisation::advance(Time now, int slots, int busy, std::size_t waiting) noexcept {
  if (now <= updated_) return;
  const double kept = std::exp(-to_seconds(now - updated_));
  const double capacity = slots;
  const double demand = busy + static_cast<double>(waiting);
  // A server without limit is never busy.
  const double busy_now = slots == 0 ? 0 : busy / capacity;
  const double demand_now = slots == 0 ? 0 : demand / capacity;
  busy_share_ = busy_share_ * kept + busy_now * (1 - kept);
  demand_share_ = demand_share_ * kept + demand_now * (1 - kept);
  rate_ *= kept;
  updated_ = now;
}

std::string Utilisation::report(int busy, std::size_t waiting) const {
  const double memory = std::min(1.0, 0.2 + 0.01 * (busy + static_cast<double>(waiting)));
  std::array<char, 192> text{};
  const int size = std::snprintf(text.data(), text.size(),
                                 "TEXT cpu_utilization=%.4f, mem_utilization=%.4f, "
                                 "application_utilization=%.4f, rps_fractional=%.2f",
                                 std::min(1.0, busy_share_), memory, demand_share_, rate_);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

}  // namespace leastwise::bench
