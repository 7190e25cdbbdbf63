#include "advice.h"

#include <algorithm>

namespace leastwise::state {

float effective_weight(const Record& record) noexcept {
  return static_cast<float>(std::clamp(record.weight.get(), 1U, kMaxWeight));
}

void renew_advice(const Shared& shared, std::size_t i) noexcept {
  Hot& hot = shared.hot()[i];
  hot.handicap.set(hot.base.get());
  hot.inverse_weight.set(1 / effective_weight(shared.records()[i]));
}

}  // namespace leastwise::state
