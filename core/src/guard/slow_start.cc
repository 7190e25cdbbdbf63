#include "guard/slow_start.h"

#include <algorithm>

#include "memory/health.h"

namespace leastwise::state {
namespace {

constexpr float kLeastWarmth = 0.1F;

bool serves(const Hot& hot, const Record& record, std::int64_t now_ms) noexcept {
  if (!record.is_in_use()) return false;
  if ((hot.flags.get() & (kDown | kEjected | kProbeFailed | kUnproven)) != 0) return false;
  return !out_of_service(hot, record, now_ms);
}

// 1 when nothing of the ramp is left, or the clock went back.
float warmth_after(std::int64_t elapsed_ms, std::int64_t span_ms) noexcept {
  if (elapsed_ms < 0 || elapsed_ms >= span_ms) return 1;
  return std::max(kLeastWarmth, static_cast<float>(elapsed_ms) / static_cast<float>(span_ms));
}

}  // namespace

void renew_warmth(const Shared& shared, const Config& config, TimePoint now) noexcept {
  const std::int64_t now_ms = milliseconds(now);
  const std::int64_t span_ms = config.slow_start.count() / 1000;
  const bool is_at_work = shared->plan().learned.get() != 0;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Record& record = shared.records()[i];
    const bool serves_now = serves(shared.hot()[i], record, now_ms);
    if (serves_now && !record.serves.get() && is_at_work) record.warm_since_ms.set(now_ms);
    record.serves.set(serves_now ? 1 : 0);
    const std::int64_t since = record.warm_since_ms.get();
    record.warmth.set(since == 0 ? 1 : warmth_after(now_ms - since, span_ms));
  }
}

}  // namespace leastwise::state
