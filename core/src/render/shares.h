// Shares: what part of the requests each endpoint gets under a policy that goes by demand.
#ifndef LEASTWISE_SRC_RENDER_SHARES_H_
#define LEASTWISE_SRC_RENDER_SHARES_H_

#include "leastwise/status_page.h"

namespace leastwise {

// Whether the endpoint may be picked before backups are and panic comes.
inline bool serves(const EndpointView& v) noexcept {
  return (v.settings.flags & (kDown | kDraining)) == 0 && !v.unavailable && !v.ejected;
}

class Shares {
 public:
  // O(endpoints).
  Shares(const NamedPool& named, TimePoint now) noexcept
      : by_demand_(named.config->chosen_policy().demand != nullptr) {
    if (!by_demand_) return;
    named.pool.for_each([&](EndpointId id) noexcept {
      const EndpointView v = named.pool.view(id, *named.config, now);
      if (takes_part(v)) sum_ += v.demand;
    });
  }

  // d_i / Σ d_j; 0 of one that gets nothing, -1 under other policies.
  float of(const EndpointView& v) const noexcept {
    if (!by_demand_) return -1;
    return takes_part(v) && sum_ > 0 ? v.demand / sum_ : 0;
  }

 private:
  static bool takes_part(const EndpointView& v) noexcept {
    return serves(v) && (v.settings.flags & kBackup) == 0;
  }

  bool by_demand_;
  float sum_ = 0;
};

}  // namespace leastwise

#endif  // LEASTWISE_SRC_RENDER_SHARES_H_
