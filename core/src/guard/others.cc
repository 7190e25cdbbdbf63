#include "guard/others.h"

#include <algorithm>
#include <cstdlib>

#include "leastwise/pool.h"
#include "words/constants.h"
#include "words/packed.h"

namespace leastwise::state {
namespace {

// ADR 35 has what was tried.
constexpr float kSlow = 15;       // seconds of the averages,
constexpr float kLately = 1;      // and of those that tell how much of them is chance
constexpr float kNoise = 3;       // how much longer than kLately chance lasts
constexpr float kNew = 3;         // seconds, that the mean counts for in who has just come
constexpr float kOff = 1.65F;     // times the average total: it has changed at once
constexpr float kSettles = 5;     // seconds after that, until they begin to count; twice: in full
constexpr float kMostDear = 2;    // times the cost at the mean endpoint
constexpr float kMostLarge = 16;  // times the mean request
constexpr float kFew = 10;        // balancers of whom all counts,
constexpr float kMany = 20;       // and of whom nothing does
constexpr float kMostRequests = others::kMostRequests;
constexpr float kMostSeconds = 3600;

float sane(float x) noexcept { return x >= 0 ? std::min(x, kMostRequests) : 0; }

// One endpoint's averages, `dt` seconds after the last look. Of what was told so much is `left`.
void renew_average(Others& o, const Record& record, float dt, float left) noexcept {
  const float requests = left * sane(record.heard_requests.get());
  o.seconds = std::min(o.seconds + dt, kMostSeconds);
  const float slow = dt / std::min(kSlow, o.seconds);
  const float lately = std::min(1.0F, dt / std::min(kLately, o.seconds));
  o.requests += slow * (requests - o.requests);
  o.work += slow * (left * sane(record.heard_work.get()) - o.work);
  o.lately += lately * (requests - o.lately);
  const float off = o.lately - o.requests;
  o.spread += slow * (off * off - o.spread);
}

// How much of an average may be chance.
float noise_of(const Others& o) noexcept {
  return kNoise * o.spread * std::min(1.0F, kLately / std::min(kSlow, o.seconds));
}

// Of all endpoints that take part.
struct Means {
  float endpoints = 0;
  float requests = 0, work = 0;  // averages,
  float now = 0;                 // and by the last reports
  float between = 0;             // variance of the averages beyond their noise
  bool has_newcomer = false;
};

Means means_of(const Shared& shared, float dt, float left) noexcept {
  Means m;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    Others& o = shared.learned()[i].others;
    if (!takes_part(shared, i)) {
      o = {};
      continue;
    }
    m.has_newcomer |= !(o.seconds > 0);
    renew_average(o, shared.records()[i], dt, left);
    m.endpoints += 1;
    m.requests += o.requests;
    m.work += o.work;
    m.now += left * sane(shared.records()[i].heard_requests.get());
  }
  if (m.endpoints == 0) return m;
  m.requests /= m.endpoints;
  m.work /= m.endpoints;
  m.now /= m.endpoints;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    if (!takes_part(shared, i)) continue;
    const Others& o = shared.learned()[i].others;
    const float off = o.requests - m.requests;
    m.between += (off * off - noise_of(o)) / m.endpoints;
  }
  m.between = std::max(m.between, 0.0F);
  return m;
}

// Seconds since their total was last far from its average, or a server came. Reports are averages
// of a second, so that this is not chance.
float settled(const Shared& shared, const Means& m, float dt) noexcept {
  const float level = m.now / m.requests;
  const bool is_off = !(level < kOff && level > 1 / kOff);
  const float before = std::clamp(shared->others_settled.get(), 0.0F, kMostSeconds);
  const float seconds = is_off || m.has_newcomer ? 0 : before + dt;
  shared->others_settled.set(seconds);
  return seconds;
}

// How much of what they have counts.
float gain_of(std::uint32_t tellers, float seconds) noexcept {
  const float few = (kMany - static_cast<float>(tellers + 1)) / (kMany - kFew);
  return std::clamp(seconds / kSettles - 1, 0.0F, 1.0F) * std::clamp(few, 0.0F, 1.0F);
}

// What a mean request is expected to take where others have so many, each of so many seconds.
float cost_at(const Plan& plan, std::uint32_t n, float each) noexcept {
  const float mean = plan.mean_cost.get();
  const float ahead = mean > 0 ? 1 - kOwnShare + kOwnShare * each / mean : 1;
  return (1 + plan.wait_at(n) * ahead) * plan.steps[n].caution.get();
}

std::uint32_t whole(float requests) noexcept {
  return static_cast<std::uint32_t>(std::clamp(requests + 0.5F, 0.0F, Plan::kTable - 2.0F));
}

// For the next request at most twice as dear as with as many as the mean has.
std::uint32_t bounded(const Plan& plan, float requests, float each, float most) noexcept {
  std::uint32_t n = whole(requests);
  while (n > 0 && cost_at(plan, n + 1, each) > most) --n;
  return n;
}

bool count(const Shared& shared, const Means& m, float gain) noexcept {
  const Plan& plan = shared->plan();
  // The same for all, so that nobody can say of one server alone that its requests are large.
  const float each = std::clamp(m.work / m.requests, 0.0F, kMostLarge * plan.mean_cost.get());
  const float most = kMostDear * cost_at(plan, whole(gain * m.requests) + 1, each);
  bool any = false;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    const Others& o = shared.learned()[i].others;
    if (!takes_part(shared, i)) continue;
    const float sure = m.between > 0 ? m.between / (m.between + noise_of(o)) : 0;
    const float trust = sure * o.seconds / (o.seconds + kNew);
    const float requests = gain * (m.requests + trust * (o.requests - m.requests));
    const std::uint32_t n = bounded(plan, requests, each, most);
    shared.hot()[i].others.set(others::of(n, static_cast<float>(n) * each));
    any |= n > 0;
  }
  return any;
}

// Written only where it changes: it is the line that picks read.
bool count_none(const Shared& shared) noexcept {
  for (Hot& hot : shared.hot()) {
    if (hot.others.get() != 0) hot.others.set(0);
  }
  return false;
}

bool forget_averages(const Shared& shared) noexcept {
  for (std::size_t i = 0; i < shared.capacity(); ++i) shared.learned()[i].others = {};
  shared->others_settled.set(0);
  return count_none(shared);
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

bool renew_others(const Shared& shared, TimePoint now, Duration elapsed) noexcept {
  if (shared->heard_ms.get() == 0) return false;
  const float left = hearsay_left(shared, now);
  if (left == 0) {
    shared->heard_ms.set(0);
    return forget_averages(shared);
  }
  if (shared->tellers.get() == 0) return forget_averages(shared);
  const float dt = std::min(seconds(std::max(elapsed, Pool::kTickPeriod)), 1.0F);
  const Means m = means_of(shared, dt, left);
  if (!(m.requests > 0)) return count_none(shared);
  const float gain = gain_of(shared->tellers.get(), settled(shared, m, dt));
  return gain > 0 ? count(shared, m, gain) : count_none(shared);
}

}  // namespace leastwise::state
