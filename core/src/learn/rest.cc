#include "learn/rest.h"

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "leastwise/pool.h"
#include "words/packed.h"

namespace leastwise {
namespace {

// Changes with each change by an operator, of the servers or of the configuration.
std::uint32_t version(const state::Header& header) noexcept {
  return header.changes.get() + header.membership.load(std::memory_order_relaxed) +
         header.configuration.get();
}

bool is_idle(const state::Hot& hot, const state::Record& record) noexcept {
  return load::in_flight(hot.load.get()) == 0 && (!record.is_in_use() || record.warmth.get() == 1);
}

bool rests(const state::Shared& shared, const Config& config) noexcept {
  if (config.has_reports() || shared->special.get() != 0 || shared->doubt.get() != 0 ||
      shared->stalled.get() != 0 || shared->is_probed.get() != 0 || shared->heard_ms.get() != 0) {
    return false;
  }
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    if (!is_idle(shared.hot()[i], shared.records()[i])) return false;
  }
  return true;
}

}  // namespace

namespace state {

void renew_rest(const Shared& shared, const Config& config) noexcept {
  // Before the look: a change that comes meanwhile ends the rest.
  const std::uint32_t now = version(*shared.operator->());
  shared->rests.set(rests(shared, config) ? now + 1 : 0);
}

}  // namespace state

bool Pool::is_at_rest() const noexcept {
  return header_->rests.get() == version(*header_) + 1 && header_->special.get() == 0;
}

}  // namespace leastwise
