#include "serve/clock.h"

#include <ctime>

namespace leastwise::agent {
namespace {

// Written before the threads start, read only afterwards.
Duration ahead{0};

TimePoint monotonic() noexcept {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return TimePoint(Duration(std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000));
}

}  // namespace

TimePoint now() noexcept { return monotonic() + ahead; }

void continue_from(TimePoint last) noexcept {
  if (now() < last) ahead = last - monotonic();
}

}  // namespace leastwise::agent
