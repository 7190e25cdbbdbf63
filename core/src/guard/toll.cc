#include "guard/toll.h"

#include <algorithm>
#include <cstdlib>

#include "leastwise/pool.h"

namespace leastwise::state {
namespace {

// ADR 40 has what was tried.
constexpr float kTimes = 1.5F;  // the wait
constexpr float kSure = 5;      // answers of late, from which half of it counts
constexpr float kNone = 4;      // balancers, for whom there is none,
constexpr float kFull = 10;     // and for whom there is all of it
constexpr float kLongest = 5;   // seconds between two looks

// What two of five answers take at most where nobody waits, of the mean: of all endpoints the mean
// of the upper half. 0 while fewer than two are known.
float unhindered(const Shared& shared) noexcept {
  float sum = 0, n = 0;
  const auto each = [&](auto use) noexcept {
    for (std::size_t i = 0; i < shared.capacity(); ++i) {
      const Toll& toll = shared.learned()[i].toll;
      if (takes_part(shared, i) && toll.is_known()) use(toll.low / toll.mean());
    }
  };
  each([&](float part) noexcept { sum += part, n += 1; });
  if (n < 2) return 0;
  const float mean = sum / n;
  sum = n = 0;
  each([&](float part) noexcept {
    if (part >= mean) sum += part, n += 1;
  });
  return n > 0 ? sum / n : mean;
}

float toll_of(const Toll& toll, float part, float mean_cost) noexcept {
  if (!(part > 0) || !toll.is_known()) return 0;
  const float wait = std::max(0.0F, toll.mean() - toll.least / part);
  return toll.answers / (toll.answers + kSure) * kTimes * wait * mean_cost;
}

void forget_tolls(const Shared& shared) noexcept {
  for (std::size_t i = 0; i < shared.capacity(); ++i) shared.learned()[i].toll = {};
}

}  // namespace

float hearsay_left(const Shared& shared, TimePoint now) noexcept {
  constexpr std::int64_t kFar = 2 * (Pool::kHearsay / std::chrono::milliseconds(1));
  const std::int64_t heard = shared->heard_ms.get();
  if (heard == 0) return 0;
  // By any process: it may be a little later than our now.
  const std::int64_t now_ms = milliseconds(now);
  const std::int64_t age = now_ms - std::clamp(heard, now_ms - kFar, now_ms + kFar);
  return Pool::hearsay_left(std::chrono::milliseconds(std::abs(age)));
}

bool counts_others(const Shared& shared) noexcept {
  return shared->heard_ms.get() != 0 && shared->tellers.get() != 0;
}

void renew_tolls(const Shared& shared, TimePoint now, Duration elapsed) noexcept {
  if (shared->heard_ms.get() == 0) return;
  const float left = hearsay_left(shared, now);
  if (left == 0) shared->heard_ms.set(0);
  if (!counts_others(shared)) return forget_tolls(shared);
  const float dt = std::clamp(seconds(elapsed), 0.0F, kLongest);
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Toll& toll = shared.learned()[i].toll;
    if (takes_part(shared, i)) {
      toll.pass(dt);
    } else {
      toll = {};
    }
  }
  const auto balancers = static_cast<float>(shared->tellers.get()) + 1;
  const float gain = left * std::clamp((balancers - kNone) / (kFull - kNone), 0.0F, 1.0F);
  const float part = unhindered(shared);
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Toll& toll = shared.learned()[i].toll;
    toll.seconds = gain * toll_of(toll, part, shared->plan().mean_cost.get());
  }
}

}  // namespace leastwise::state
