// Standing: whether an endpoint is used, in a word, and why not, in another.
#ifndef LEASTWISE_SRC_RENDER_STANDING_H_
#define LEASTWISE_SRC_RENDER_STANDING_H_

#include <array>
#include <string_view>

#include "leastwise/pool.h"
#include "leastwise/status_page.h"

namespace leastwise {

// NGINX Plus' words. Pages show a state or a reason that they do not know as it is.
inline constexpr std::array<std::string_view, 6> kStates = {"up",        "draining", "unavail",
                                                            "unhealthy", "checking", "down"};

struct Standing {
  std::string_view state;
  std::string_view reason;  // empty: nothing is out of the ordinary
  float for_seconds = 0;    // until the state ends by itself; 0 = it does not, or nobody knows
};

inline Standing standing(const EndpointView& v) noexcept {
  if ((v.settings.flags & kDown) != 0) return {"down", "owner"};
  if (v.probe.waits) return {"checking", "probe"};
  if (v.probe.failed) return {"unhealthy", "probe"};
  if ((v.settings.flags & kDraining) != 0) return {"draining", "owner"};
  if (v.ejected) return {"unhealthy", name(v.ejected_why), v.ejected_for};
  if (v.unavailable) return {"unavail", "max_fails", v.fail_for};
  const std::uint32_t limit = v.settings.max_conns;
  if (limit != 0 && v.in_flight >= limit) return {"up", "max_conns"};
  if (v.warmth < 1) return {"up", "slow_start"};
  if ((v.settings.flags & kBackup) != 0) return {"up", "backup"};
  return {"up", ""};
}

// Whether the endpoint may be picked before backups are and panic comes. While too many fail their
// probes those may be, too.
inline bool serves(const EndpointView& v) noexcept {
  return standing(v).state == "up" || (v.probe.failed && !v.probe.is_out && !v.probe.waits);
}

// Others count for policies by score alone.
inline PoolView view_of(const NamedPool& named) noexcept {
  PoolView v = named.pool.view();
  if (!named.config->chosen_policy().by_score) v.others = 0;
  return v;
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_RENDER_STANDING_H_
