#include "serve/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace leastwise::agent {

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return kMostConnections;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

void reserve_descriptors(std::size_t n) noexcept {
  rlimit limit{};
  if (n == 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto last = static_cast<int>(std::min<rlim_t>(n, limit.rlim_cur)) - 1;
  const int descriptor = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, last);
  if (descriptor >= 0) ::close(descriptor);
}

std::size_t connections_for_haproxy(std::size_t descriptors, std::size_t others) noexcept {
  const std::size_t reserved = kStatusConnections + kOwnDescriptors + others;
  return std::clamp(descriptors - std::min(descriptors, reserved), kLeastConnections,
                    kMostConnections);
}

}  // namespace leastwise::agent
