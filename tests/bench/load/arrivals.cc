#include "bench/load/arrivals.h"

#include <cmath>
#include <utility>

#include "bench/load/streams.h"

namespace leastwise::bench {

Arrivals::Arrivals(ArrivalPlan plan)
    : plan_(std::move(plan)), gaps_(plan_.seed, kArrivalStream), pending_(next_of_process()) {}

std::optional<Duration> Arrivals::next() {
  if (burst_ < plan_.bursts.size()) {
    const Burst& burst = plan_.bursts[burst_];
    const bool is_first = !pending_ || from_seconds(*pending_) >= burst.at;
    if (is_first && burst.at < plan_.end) {
      if (++burst_sent_ >= burst.count) {
        ++burst_;
        burst_sent_ = 0;
      }
      return burst.at;
    }
  }
  if (!pending_) return std::nullopt;
  const Duration at = from_seconds(*pending_);
  pending_ = next_of_process();
  return at;
}

std::optional<double> Arrivals::next_of_process() {
  const double end = to_seconds(plan_.end);
  double expected = plan_.is_steady ? 1.0 : -std::log1p(-gaps_.uniform());
  while (phase_ < plan_.phases.size()) {
    const double rate = plan_.phases[phase_].rate;
    const bool is_last = phase_ + 1 == plan_.phases.size();
    const double phase_end = is_last ? end : to_seconds(plan_.phases[phase_ + 1].from);
    const double available = (phase_end - clock_) * rate;
    if (expected < available) {
      clock_ += expected / rate;
      if (clock_ >= end) return std::nullopt;
      return clock_;
    }
    expected -= available;
    clock_ = phase_end;
    ++phase_;
  }
  return std::nullopt;
}

}  // namespace leastwise::bench
