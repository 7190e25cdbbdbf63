#include "balance/shared_backends.h"

#include <utility>

namespace leastwise::agent {

std::vector<SharedPools::Look> SharedBackends::look() {
  std::vector<Look> looks;
  looked_.clear();
  for (Registry::Snapshot& snapshot : registry_.pools()) {
    if (snapshot.mode != Mode::kPick) continue;
    Looked& looked = looked_.emplace_back(Looked{.pool = snapshot.pool, .side = {}});
    looks.push_back({.name = std::move(snapshot.name), .servers = looked.side.look(looked.pool)});
  }
  return looks;
}

void SharedBackends::tell(std::size_t place, std::span<const sharing::ServerReport> others,
                          std::uint32_t tellers, TimePoint now) {
  Looked& looked = looked_[place];
  looked.side.tell(looked.pool, others, tellers, now, counts_);
}

}  // namespace leastwise::agent
