#include "memory/weight.h"

#include <algorithm>

namespace leastwise::state {

namespace {

constexpr float kLeastFactor = 0.01F, kMostFactor = 4;  // whatever memory holds

}  // namespace

float effective_weight(const Record& record) noexcept {
  const float warmth = record.warmth.get();
  const auto weight = static_cast<float>(std::clamp(record.weight.get(), 1U, kMaxWeight));
  return warmth > 0 && warmth < 1 ? weight * std::max(warmth, kLeastFactor) : weight;
}

void renew_weight(const Shared& shared, std::size_t i) noexcept {
  const Record& record = shared.records()[i];
  const float reported = record.report_factor.get();
  const float factor = reported > 1 && reported <= kMostFactor ? reported : 1;
  shared.hot()[i].inverse_weight.set(factor / effective_weight(record));
}

}  // namespace leastwise::state
