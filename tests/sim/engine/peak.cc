// How much more than its fair part a server gets that is new, or comes back: Result::start_peak.
#include <algorithm>

#include "engine/engine.h"

namespace leastwise::sim {

void Engine::watch_peak(std::uint32_t number) {
  const Server& server = world_.servers[number];
  const bool has_returned = server.up_since() >= 0;
  if (world_.now - std::max(server.up_since(), 0.0) > Result::kNewMs) return;
  double there = 0;
  double busy = 0;
  double capacity = 0;
  for (const std::uint32_t i : world_.up) {
    there += world_.servers[i].load();
    busy += scenario_.load * world_.servers[i].cores();
    capacity += world_.servers[i].capacity();
  }
  const double fair = std::max(there, busy) * server.capacity() / capacity;
  double& peak = has_returned ? result_.return_peak : result_.start_peak;
  peak = std::max(peak, server.load() / fair);
}

}  // namespace leastwise::sim
