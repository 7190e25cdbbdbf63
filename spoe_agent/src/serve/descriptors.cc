#include "serve/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

namespace leastwise::agent {

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostConnections;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

std::size_t connections_for_haproxy(std::size_t descriptors) noexcept {
  constexpr std::size_t kReserved = kStatusConnections + kOwnDescriptors;
  return std::clamp(descriptors - std::min(descriptors, kReserved), kLeastConnections,
                    kMostConnections);
}

}  // namespace leastwise::agent
