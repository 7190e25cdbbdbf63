#include "guard/advice.h"

#include <algorithm>

#include "guard/brevity.h"
#include "memory/weight.h"

namespace leastwise::state {
namespace {

// Who starts slowly and is found slow has its score raised by both, and would get next to nothing:
// what was measured is taken off what slow start takes.
void count_slowness_once(const Shared& shared, std::size_t i) noexcept {
  const float warmth = shared.records()[i].warmth.get();
  if (!(warmth > 0 && warmth < 1)) return;
  const float slow = shared.hot()[i].slowness.get() / shared->plan().slowness.get();
  if (!(slow > 1)) return;
  Cell<float>& inverse = shared.hot()[i].inverse_weight;
  inverse.set(inverse.get() / std::min(slow, 1 / warmth));
}

}  // namespace

void renew_advice(const Shared& shared, const Config& config, std::size_t i) noexcept {
  Hot& hot = shared.hot()[i];
  const bool is_remote = (hot.flags.get() & kRemote) != 0;
  const auto price = static_cast<float>(is_remote ? config.locality_price.value : 0);
  hot.handicap.set(hot.base.get() + price * shared->plan().mean_cost.get() +
                   brevity_price(shared, i) +
                   (config.chosen_policy().by_score ? shared.learned()[i].toll.seconds : 0));
  renew_weight(shared, i);
  if (config.chosen_policy().by_score) count_slowness_once(shared, i);
}

}  // namespace leastwise::state
