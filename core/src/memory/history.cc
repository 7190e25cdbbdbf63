#include "memory/history.h"

namespace leastwise::state {
namespace {

void copy(const Glance& from, Glance& to) noexcept {
  to.ms.set(from.ms.get());
  to.failures.set(from.failures.get());
  for (std::size_t i = 0; i < to.responses.size(); ++i)
    to.responses[i].set(from.responses[i].get());
  for (std::size_t i = 0; i < to.times.size(); ++i) to.times[i].set(from.times[i].get());
}

}  // namespace

void copy_window(const Window& from, Window& to) noexcept {
  to.newer.set(from.newer.get());
  for (std::size_t i = 0; i < to.glances.size(); ++i) copy(from.glances[i], to.glances[i]);
}

// The sums stay behind: those of the new pool begin with its first step.
void copy_history(const History& from, History& to) noexcept {
  to.next.set(from.next.get());
  for (std::size_t i = 0; i < History::kMoments; ++i) {
    const Moment& old = from.moments[i];
    Moment& moment = to.moments[i];
    moment.ms.set(old.ms.get());
    moment.span_ms.set(old.span_ms.get());
    moment.answers.set(old.answers.get());
    moment.failures.set(old.failures.get());
    moment.p50.set(old.p50.get());
    moment.p99.set(old.p99.get());
  }
}

void reset_window(Window& window) noexcept {
  for (Glance& glance : window.glances) glance.ms.set(0);
}

}  // namespace leastwise::state
