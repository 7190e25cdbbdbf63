// Shared memory full of random words: no crash, no index out of range, and it heals.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/pool_fixture.h"
#include "state.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class CorruptionTest : public PoolFixture {
 protected:
  void damage(Rng& rng, int words) {
    auto memory = memory_.span();
    for (int i = 0; i < words; ++i) {
      const std::size_t at = 8 * rng.below(static_cast<std::uint32_t>(memory.size() / 8));
      const std::uint64_t word = rng.below(4) == 0 ? ~std::uint64_t{0} : rng.next();
      std::memcpy(memory.data() + at, &word, sizeof word);
    }
  }
  void traffic(int ticks) {
    for (int i = 0; i < ticks; ++i) {
      for (std::uint64_t k = 0; k < 10; ++k) {
        const Ticket t = pick(k % 3);
        if (t) {
          ASSERT_LT(t.member, members_.size());
          if (t.second != kNoMember) {
            ASSERT_LT(t.second, members_.size());
          }
        }
        finish(t, Result::kOk, 5ms);
      }
      tick();
      pool_.heal(1, [](std::uint32_t pid) { return pid == 1; });
    }
  }
};

TEST_F(CorruptionTest, OfAThousandSeedsNoneCrashesAndAllHealWithinTenSeconds) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    make({1, 2, 1, 1});
    traffic(5);
    Rng rng(seed);
    damage(rng, 400);
    traffic(10);
    for (std::size_t m = 0; m < members_.size(); ++m) {
      settle(m, {.weight = 1});  // as a reload does
    }
    traffic(90);
    for (std::size_t m = 0; m < members_.size(); ++m) {
      const EndpointView v = view(m);
      ASSERT_EQ(v.in_flight, 0U) << "seed " << seed;
      ASSERT_TRUE(std::isfinite(v.slowness))
          << "seed " << seed << " evidence " << v.evidence << " pool " << pool_.view().slowness
          << " mean cost " << pool_.view().mean_cost << " ticks " << pool_.view().ticks
          << " samples " << pool_.view().samples << " learned " << pool_.view().learned;
      ASSERT_GE(v.slowness, 0) << "seed " << seed;
    }
    const Ticket t = pick();
    ASSERT_TRUE(t) << "seed " << seed;
    finish(t, Result::kOk, 5ms);
  }
}

}  // namespace
}  // namespace leastwise
