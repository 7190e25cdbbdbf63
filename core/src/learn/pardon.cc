#include "learn/pardon.h"

#include <algorithm>
#include <cmath>

#include "memory/health.h"
#include "words/estimates.h"

namespace leastwise::state {
namespace {

constexpr float kRefusedSeconds = 1;

// Its time is over, and nobody was sent yet.
bool may_be_tried(const Hot& hot, const Record& record, std::int64_t now_ms) noexcept {
  const std::uint64_t word = hot.health.get();
  if (word == 0 || record.max_fails.get() == 0) return false;
  const Health h = health::unpack(word);
  return h.fails >= record.max_fails.get() && !h.probing && !out_of_service(hot, record, now_ms);
}

}  // namespace

void renew_pardons(const Shared& shared, TimePoint now, Duration elapsed) noexcept {
  const std::int64_t now_ms = milliseconds(now);
  const float kept = std::exp(-seconds(elapsed) / kRefusedSeconds);
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Hot& hot = shared.hot()[i];
    if (hot.error.get() == 0) continue;
    if (may_be_tried(hot, shared.records()[i], now_ms)) {
      hot.error.set(0);
    } else if (shared.records()[i].refuses.get() != 0) {
      hot.error.update([&](std::uint64_t word) noexcept -> std::uint64_t {
        const float share = kept * error_now(word, now_ms);
        if (!(share >= kErrorFree)) return 0;
        return error::pack({std::min(share, 1.0F), static_cast<std::uint32_t>(now_ms)});
      });
    }
  }
}

}  // namespace leastwise::state
