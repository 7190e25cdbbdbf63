// Texts of any length, from what renders into a buffer (leastwise/text.h).
#ifndef LEASTWISE_SPOE_AGENT_ADMIN_WRITTEN_H_
#define LEASTWISE_SPOE_AGENT_ADMIN_WRITTEN_H_

#include <cstddef>
#include <span>
#include <string>

#include "leastwise/text.h"

namespace leastwise::agent {

// The whole of what render(Text&) writes. Throws std::bad_alloc.
template <typename Render>
std::string written(Render render) {
  std::string out;
  const auto allocate = [&](std::size_t size) {
    out.resize(size);
    return std::span<char>(out);
  };
  out.resize(render_whole(allocate, render).size());
  return out;
}

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_ADMIN_WRITTEN_H_
