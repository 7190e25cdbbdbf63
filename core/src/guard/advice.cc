#include "guard/advice.h"

#include "guard/brevity.h"
#include "memory/weight.h"

namespace leastwise::state {

void renew_advice(const Shared& shared, const Config& config, std::size_t i) noexcept {
  Hot& hot = shared.hot()[i];
  const bool is_remote = (hot.flags.get() & kRemote) != 0;
  const auto price = static_cast<float>(is_remote ? config.locality_price.value : 0);
  hot.handicap.set(hot.base.get() + price * shared->plan().mean_cost.get() +
                   brevity_price(shared, i));
  renew_weight(shared, i);
}

}  // namespace leastwise::state
