// Endpoints that wait for their trial: learn/slowness.h.
#include "learn/slowness.h"

#include <gtest/gtest.h>

#include "core/pool_fixture.h"

namespace leastwise {
namespace {

using namespace std::chrono_literals;

class SlownessTest : public PoolFixture {
 protected:
  void SetUp() override { make({1, 1, 1, 1}); }
  state::Shared shared() {
    auto* header = reinterpret_cast<state::Header*>(memory_.span().data());
    return {header, static_cast<std::uint32_t>(pool_.capacity())};
  }
  int picks_of_first(int of) {
    int first = 0;
    for (int i = 0; i < of; ++i) {
      const Ticket t = pick();
      now_ += 5ms;
      finish(t, Result::kOk, 5ms);
      first += t.member == 0 ? 1 : 0;
      if (i % 20 == 0) tick();
    }
    return first;
  }
};

// The pool may become faster while an endpoint waits to be asked: it counts as one of the pool as
// it is, not as it was, or nobody would ever ask it.
TEST_F(SlownessTest, WhoWaitsForItsTrialIsAsked) {
  picks_of_first(1000);
  const std::size_t first = index(members_[0].id);
  shared().records()[first].trial.set(4);
  shared().hot()[first].slowness.set(1.5F);  // of the pool, when its trial began
  tick();
  EXPECT_GT(picks_of_first(100), 0);
}

}  // namespace
}  // namespace leastwise
