// What the pages say of an endpoint in one word.
#ifndef LEASTWISE_SRC_RENDER_SERVES_H_
#define LEASTWISE_SRC_RENDER_SERVES_H_

#include "leastwise/pool.h"

namespace leastwise {

// Whether the endpoint may be picked before backups are and panic comes.
inline bool serves(const EndpointView& v) noexcept {
  return (v.settings.flags & (kDown | kDraining)) == 0 && !v.unavailable && !v.ejected;
}

}  // namespace leastwise

#endif  // LEASTWISE_SRC_RENDER_SERVES_H_
