#include "learn/distances.h"

#include <algorithm>

#include "model/distance.h"

namespace leastwise::state {
namespace {

void end_window(Record& record, Distance::Endpoint& base) noexcept {
  const auto answers = static_cast<float>(base.answers);
  base.answers = 0;
  const float window = record.fastest.take(0);
  if (window > 0 && base.fastest > 0) {
    base.backing = 1 / (0.5F / std::max(base.backing, 1.0F) + 0.5F / answers);
    base.fastest = 0.5F * base.fastest + 0.5F * window;
  } else if (window > 0) {
    base.backing = answers;
    base.fastest = window;
  }
  if (base.fastest > 0 && !(base.least > 0 && base.least < base.fastest)) base.least = base.fastest;
}

// What the answers said of distances is in another unit.
void start_afresh(const Shared& shared) noexcept {
  for (std::size_t i = 0; i < shared.capacity(); ++i) {
    shared.records()[i].fastest.set(0);
    shared.hot()[i].base.set(0);
    shared.learned()[i].base = {};
  }
}

}  // namespace

void renew_distances(const Shared& shared, std::int64_t now_ms) noexcept {
  Distance& distance = shared->model.base();
  if (distance.goes_over_to_round_trips(shared->has_round_trips.get() != 0)) {
    return start_afresh(shared);
  }
  const Distance::Due due = distance.due(now_ms, shared->model.samples());
  if (due == Distance::Due::kNothing) return;
  auto hot = shared.hot();
  auto records = shared.records();
  auto learned = shared.learned();
  const auto fastest = [&](std::size_t i) noexcept {
    const float smooth = learned[i].base.fastest;
    return smooth > 0 ? smooth : records[i].fastest.get();
  };
  float least = 0;
  for (std::size_t i = 0; i < hot.size(); ++i) {
    if (due == Distance::Due::kWindow && learned[i].base.answers >= Distance::kEnough) {
      end_window(records[i], learned[i].base);
    }
    const float f = fastest(i);
    if (f > 0 && (least <= 0 || f < least) && takes_part(shared, i)) least = f;
  }
  const Plan& plan = shared->plan();
  const float mean = plan.mean_cost.get() * plan.slowness.get();
  for (std::size_t i = 0; i < hot.size(); ++i) {
    const float chance = mean * distance.chance(learned[i].base, plan.prior.get());
    hot[i].base.set(fastest(i) > 0 ? std::max(0.0F, fastest(i) - least - chance) : 0.0F);
  }
}

}  // namespace leastwise::state
