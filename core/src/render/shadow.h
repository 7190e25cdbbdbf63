// Shadow: what a pool that only watches would have chosen, as JSON.
#ifndef LEASTWISE_SRC_RENDER_SHADOW_H_
#define LEASTWISE_SRC_RENDER_SHADOW_H_

#include "leastwise/status_page.h"

namespace leastwise {

// "shadow":{…}, or "shadow":null, of a pool that chooses.
void render_shadow(const NamedPool& named, TimePoint now, Text& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_SRC_RENDER_SHADOW_H_
