#include "guard/brevity.h"

#include <algorithm>

#include "guard/median.h"

namespace leastwise::state {
namespace {

constexpr float kStep = 1.0F / 64;
constexpr float kMostSpared = 3600;  // seconds
constexpr float kMostAbsent = 1e6F;
// Of the time that it spared: how fast it is with full answers nobody knows, and where all are idle
// those whose speed is known come first.
constexpr float kDoubt = 0.1F;

float between(float a, float b, float part) noexcept { return a + part * (b - a); }

// What the mean request takes behind so many, caution included, in mean costs.
float length_behind(const Plan& plan, float n) noexcept {
  constexpr float kLast = Plan::kTable - 1;
  const float beyond = std::max(1.0F, n / kLast);
  n = std::min(n, kLast);
  const auto q = static_cast<std::uint32_t>(n);
  const Plan::Step& low = plan.steps[q];
  const Plan::Step& high = plan.steps[std::min(q + 1, Plan::kTable - 1)];
  const float part = n - static_cast<float>(q);
  const float wait = beyond * between(low.wait.get(), high.wait.get(), part);
  return (1 + wait * (1 + plan.price.get())) * between(low.caution.get(), high.caution.get(), part);
}

}  // namespace

void learn_brevity(Record& record, float spared) noexcept {
  if (spared == 0 && record.spared.get() == 0) [[likely]]
    return;
  record.spared.update([&](float old) noexcept {
    const float next = old + kStep * (spared - old);
    // Damaged memory may hold anything.
    return next > 1e-7F && next < kMostSpared ? next : 0.0F;
  });
}

void renew_brevity(const Shared& shared) noexcept {
  const std::size_t step = std::max<std::size_t>(1, shared->endpoints.get() / Median::kMost);
  std::size_t seen = 0;
  Median spared;
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    if (!takes_part(shared, i) || seen++ % step != 0) continue;
    spared.add(shared.records()[i].spared.get());
  }
  shared->usual_spared.set(spared.lower());
}

float brevity_price(const Shared& shared, std::size_t i) noexcept {
  const Record& record = shared.records()[i];
  const float spared = record.spared.get() - shared->usual_spared.get();
  if (!(spared > 0)) return 0;
  const Plan& plan = shared->plan();
  const float absent = std::min(kMostAbsent, record.rate.get() * spared);
  // Of full answers: when it has most of the requests, the mean is of its own.
  const float cost = std::max(plan.mean_cost.get() * plan.slowness.get(), record.spared.get());
  const float lengths = length_behind(plan, absent) - length_behind(plan, 0);
  return std::max(0.0F, lengths * cost + kDoubt * spared);
}

}  // namespace leastwise::state
