#include "model/mixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "leastwise/rng.h"

namespace leastwise {
namespace {

double exponential(Rng& rng, double mean) {
  return -mean * std::log((static_cast<double>(rng.below(1U << 30)) + 0.5) / (1U << 30));
}

// Nine of ten half the mean, the tenth 5.5 means.
double bimodal(Rng& rng, double mean) { return rng.below(10) == 0 ? 5.5 * mean : 0.5 * mean; }

// Feeds answers of servers with `slots` slots, at random depths of the queue.
Mixture learn(double slots, int answers, double (*size)(Rng&, double) = exponential) {
  Mixture mixture;
  mixture.reset();
  Mixture::Endpoint endpoint;
  Rng rng(9);
  for (int i = 0; i < answers; ++i) {
    const double q = rng.below(12);
    const double wait = std::max(0.0, (q + 1 - slots) / slots);
    mixture.add(endpoint, {.took = size(rng, 0.010) + 0.010 * wait,
                           .slow_cost = 0.010,
                           .ahead = 0.010,
                           .q = q,
                           .mean_cost = 0.010,
                           .pool_delay = 0,
                           .spread = 1,
                           .ms = static_cast<std::uint32_t>(i)});
  }
  return mixture;
}

TEST(MixtureTest, BeforeThereIsEvidenceItIsThePrior) {
  Mixture mixture;
  mixture.reset();
  EXPECT_NEAR(mixture.probability(0), 0.2, 1e-9);
  EXPECT_NEAR(mixture.probability(6), 0.07, 1e-9);
}

TEST(MixtureTest, FindsTheNumberOfSlots) {
  for (const std::size_t slot : {0U, 2U, 3U}) {  // 1, 4 and 8 slots
    const Mixture mixture = learn(static_cast<double>(1U << slot), 4'000);
    for (std::size_t c = 0; c < Mixture::kSlots; ++c) {
      if (c != slot) {
        EXPECT_GT(mixture.probability(slot), mixture.probability(c)) << slot;
      }
    }
    EXPECT_GT(mixture.probability(slot), 0.6);
  }
}

TEST(MixtureTest, FindsTheNumberOfSlotsWhereSizesHaveATail) {
  for (const std::size_t slot : {2U, 3U}) {  // 4 and 8 slots
    const Mixture mixture = learn(static_cast<double>(1U << slot), 16'000, bimodal);
    EXPECT_GT(mixture.probability(slot), 0.6) << slot;
  }
}

TEST(MixtureTest, TheCurveOfFourSlotsIsFlatAndThenRises) {
  const Mixture mixture = learn(4, 4'000);
  const double flat = WaitCurve::interpolate(mixture.curve(), 3);
  const double high = WaitCurve::interpolate(mixture.curve(), 11);
  // The floor of 10 % of the prior leaves a share of the 1- and 2-slot curves.
  EXPECT_LT(flat, 0.25);
  EXPECT_NEAR(high, 2, 0.5);
}

}  // namespace
}  // namespace leastwise
